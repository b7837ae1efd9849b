// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "cli/common.hpp"

namespace galena::cli {

/// `galena demo`: four processes that find each other by name, on this machine's own readings.
struct DemoOptions {
  CommonOptions common = {};  ///< without a domain: one that nobody else has
  double seconds = 10;
  bool forever = false;  ///< until Ctrl-C
  /// Which of the four this process is to be. Hidden: `galena demo` starts itself with it. Empty: the one that starts.
  std::string role = {};
  std::vector<std::string> topics = {};  ///< for the role that selects exact topics
};

/// Returns the exit code: not 0 if an event was lost, or none flowed.
int run_demo(const DemoOptions& options);

}  // namespace galena::cli
