// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "bench_workload.hpp"

namespace galena::cli {

/// What was measured of one lane, a report for each round.
struct LaneResult {
  Lane lane;
  std::vector<BenchReport> rounds = {};

  std::vector<double> all(Quantity quantity) const;
  double median(Quantity quantity) const;
  double least(Quantity quantity) const;
  double most(Quantity quantity) const;
};

/// A target, and how near it was.
struct Verdict {
  Target target;
  double value = 0;  ///< a ratio, or what was measured itself
  bool met = false;
};

struct WorkloadResult {
  Workload about;
  std::vector<LaneResult> lanes;

  /// What mainly tells how it went: events a second, a median latency, memory.
  Quantity main() const;
  /// The first lane's main quantity to this one's.
  double ratio_to(const LaneResult& lane) const;
  std::vector<Verdict> verdicts() const;
};

/// Their values for people and programs: ">= 6", "<= 0.5".
std::string target_text(const Target& target);
/// "rate 7.05 x raw (>= 6)"
std::string verdict_text(const Verdict& verdict);
/// Three digits: "13.4 M", "820 k".
std::string short_number(double number);
/// "64 B", "1 KiB".
std::string size_text(std::uint64_t bytes);
/// What the quantity is, with its unit: "13.4 M events/s", "61 us".
std::string quantity_text(double value, Quantity quantity);
/// What a workload is called where several sizes and transports stand below each other: "throughput, tcp, 64 B".
std::string workload_title(const Workload& workload);
/// What a lane is called, for people: "libzmq PUSH/PULL".
std::string lane_title(const std::string& lane);

/// The results for people, and for programs.
std::string bench_table(const std::vector<WorkloadResult>& results);
std::string bench_json(const std::vector<WorkloadResult>& results, int rounds);
std::string bench_csv(const std::vector<WorkloadResult>& results);
/// As a drawing: one self-contained SVG.
std::string bench_plot(const std::vector<WorkloadResult>& results);

/// Does one lane once. Throws Error if not exactly what was sent arrived.
BenchReport measure(const BenchShape& shape);
/// Everything, in turns. Says on standard error how far it is.
std::vector<WorkloadResult> measure_all(const std::vector<Workload>& workloads, int rounds);

}  // namespace galena::cli
