// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/common.hpp"

namespace galena::cli {

/// Which events a producer keeps for which subscribers; see the library's options of the same names.
struct HoldingOptions {
  Duration hold = std::chrono::seconds(30);
  std::vector<std::string> expect = {};
  std::uint64_t retain_bytes = 0;
};

}  // namespace galena::cli
