// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "plan/workload.hpp"

namespace galena::bench {

/// The reports of one lane, one for each round.
struct LaneResult {
  Lane lane;
  std::vector<Report> rounds = {};

  std::vector<double> all(Quantity quantity) const;
  double median(Quantity quantity) const;
  double least(Quantity quantity) const;
  double most(Quantity quantity) const;
};

/// A target, and whether it was met.
struct Verdict {
  Target target;
  double value = 0;  ///< a ratio, or what was measured itself
  bool met = false;
};

struct WorkloadResult {
  Workload about;
  std::vector<LaneResult> lanes;

  /// The main quantity: events a second, a median latency, or memory.
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

}  // namespace galena::bench
