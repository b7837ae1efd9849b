// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "options.hpp"
#include "plan/task.hpp"

namespace galena::bench {

/// A number that a run yields.
enum class Quantity : std::uint8_t { rate, p50, p99, p999, cpu_us, relay_cpu_us, core_percent, rss_mib };
double quantity_of(const Report& report, Quantity quantity);
std::string_view to_string(Quantity quantity);

/// One of the systems that do a workload in turns. The first lane of a workload is Galena, the others are what it is
/// compared with.
struct Lane {
  std::string name;
  Shape shape;
};

/// A number that Galena should reach. A missed target is shown; it is not an error.
struct Target {
  Quantity quantity = Quantity::rate;
  std::string against = {};  ///< the lane that it is a ratio to; "best": the best of all others; empty: no ratio
  double bound = 0;
  bool at_most = false;                ///< else at least
  Quantity their_quantity = quantity;  ///< of the other lane
};

/// Decides which quantity is the main one.
enum class WorkloadKind : std::uint8_t { throughput, latency, idle };

/// What is measured under one name.
struct Workload {
  std::string name;   ///< as --only has it
  std::string about;  ///< for people
  WorkloadKind kind = WorkloadKind::throughput;
  std::vector<Lane> lanes = {};
  std::vector<Target> targets = {};
  double load = 0;  ///< all lanes send at this part of what `raw` manages, measured before

  const Shape& shape() const { return lanes.front().shape; }
};

/// The names of all workloads, in the order in which they run.
std::vector<std::string> workload_names();
/// The table of what is measured, and how often.
std::vector<Workload> workloads_for(const Options& options);
std::uint64_t rounds_of(const Options& options);

}  // namespace galena::bench
