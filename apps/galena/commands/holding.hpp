// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/common.hpp"

namespace galena::cli {

/// Which events a producer keeps for which subscribers; see the library's options of the same names.
struct HoldingOptions {
  std::uint64_t buffer_bytes = ProducerOptions().buffer_bytes;
  Duration hold = ProducerOptions().hold;
  std::vector<std::string> expect = {};
  std::uint64_t retain_bytes = 0;
};

}  // namespace galena::cli
