// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "plan/result.hpp"

namespace galena::bench {

/// Runs one lane once. Throws Error if not exactly what was sent arrived.
Report measure(const Shape& shape);
/// Runs all lanes of all workloads in turns. Says on standard error how far it is.
std::vector<WorkloadResult> measure_all(const std::vector<Workload>& workloads, std::uint64_t rounds);

}  // namespace galena::bench
