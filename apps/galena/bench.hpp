// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common.hpp"

namespace galena::cli {

/// `galena bench`: Galena and its yardsticks side by side, each as one sending and one receiving process over TCP on
/// this machine.
struct BenchOptions {
  CommonOptions common = {};
  bool quick = false;  ///< ends within 40 seconds
  bool json = false;   ///< the result as JSON on standard output, instead of tables
  int rounds = 0;      ///< 0: as many as --quick or not says
  double seconds = 0;  ///< that each run sends for; 0: as --quick or not says
  /// Sizes of messages in bytes. Empty: 16, 64, 1024, 65536.
  std::vector<std::uint32_t> sizes = {};
  /// Subscription.max_bytes of Galena's consumer. 0: its default.
  std::uint64_t window = 0;
  std::string only = {};  ///< "throughput" or "latency"; empty: both
  /// What one of the processes that a measurement consists of is told. Hidden: `galena bench` starts itself with it.
  std::vector<std::string> role = {};
};

/// Returns the exit code.
int run_bench(const BenchOptions& options);

}  // namespace galena::cli
