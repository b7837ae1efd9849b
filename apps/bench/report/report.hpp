// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "plan/result.hpp"

namespace galena::bench {

/// The results for people, and for programs.
std::string to_table(const std::vector<WorkloadResult>& results);
std::string to_json(const std::vector<WorkloadResult>& results, std::uint64_t rounds);
std::string to_csv(const std::vector<WorkloadResult>& results);
/// As a drawing: one self-contained SVG.
std::string to_svg(const std::vector<WorkloadResult>& results);

}  // namespace galena::bench
