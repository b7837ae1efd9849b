// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common.hpp"

namespace galena::cli {

/// `galena bench`: Galena and its yardsticks side by side, in processes of their own on this machine.
struct BenchOptions {
  CommonOptions common = {};
  bool quick = false;  ///< throughput and latency alone; ends within 40 seconds
  bool json = false;   ///< the result as JSON on standard output, instead of tables
  bool csv = false;    ///< as CSV
  int rounds = 0;      ///< 0: as many as --quick or not says
  double seconds = 0;  ///< that each run sends for; 0: as --quick or not says
  /// Sizes of messages in bytes. Empty: those of the workload.
  std::vector<std::uint32_t> sizes = {};
  /// Subscription.max_bytes of Galena's consumers. 0: its default.
  std::uint64_t window = 0;
  std::vector<std::string> only = {};    ///< workloads by name; empty: all
  std::string transport = {};            ///< "tcp", "ipc" or "inproc"; empty: those of the workload
  std::vector<std::string> versus = {};  ///< "nats", "redis": yardsticks that are programs of their own
  std::uint64_t pairs = 500;             ///< of stages in the idle process
  std::string plot = {};                 ///< a file for the result as an SVG drawing; empty: none
  /// What one of the processes that a measurement consists of is told. Hidden: `galena bench` starts itself with it.
  std::vector<std::string> role = {};
};

/// The names of all workloads, in the order in which they run.
std::vector<std::string> bench_workload_names();

/// Returns the exit code.
int run_bench(const BenchOptions& options);

}  // namespace galena::cli
