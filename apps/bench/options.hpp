// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace galena::bench {

/// What galena-bench is asked to measure, and how it tells the result.
struct Options {
  bool quick = false;        ///< throughput and latency alone; ends within 40 seconds
  bool json = false;         ///< the result as JSON on standard output, instead of tables
  bool csv = false;          ///< as CSV
  std::uint64_t rounds = 0;  ///< 0: as many as --quick or not says
  double seconds = 0;        ///< that each run sends for; 0: as --quick or not says
  /// Sizes of messages in bytes. Empty: those of the workload.
  std::vector<std::uint64_t> sizes = {};
  /// Subscription.max_bytes of Galena's consumers. 0: its default.
  std::uint64_t window = 0;
  std::vector<std::string> only = {};    ///< workloads by name; empty: all
  std::string transport = {};            ///< "tcp", "ipc" or "inproc"; empty: those of the workload
  std::vector<std::string> versus = {};  ///< "nats", "redis": yardsticks that are programs of their own
  std::uint64_t pairs = 500;             ///< of stages in the idle process
  std::string plot = {};                 ///< a file for the result as an SVG drawing; empty: none
  /// What one of the processes that a measurement consists of is told. Hidden: galena-bench starts itself with it.
  std::vector<std::string> role = {};
};

/// Reads the command line into `options`. Returns the exit code if the program is to end now, because it printed its
/// help or said what is wrong.
std::optional<int> parse(int argc, char** argv, Options& options);

}  // namespace galena::bench
