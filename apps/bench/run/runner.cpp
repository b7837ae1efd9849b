// SPDX-License-Identifier: Apache-2.0
#include "run/measure.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace galena::bench {

namespace {

/// A line that says what is being measured: the same one again on a terminal, else one after the other.
class ProgressLine {
 public:
  explicit ProgressLine(std::size_t runs) : runs_(runs), overwrites_(isatty(STDERR_FILENO) != 0) {}
  ~ProgressLine() {
    if (overwrites_) fmt::print(stderr, "\r\033[K");
  }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void begin(const Workload& workload, const Lane& lane, std::uint64_t round) {
    fmt::print(stderr, "{}[{}/{}] {}, {}, round {}: ", overwrites_ ? "\r\033[K" : "", ++done_, runs_,
               workload_title(workload), lane_title(lane.name), round + 1);
    std::fflush(stderr);
  }
  void end(const std::string& outcome) {
    fmt::print(stderr, "{}{}", outcome, overwrites_ ? "" : "\n");
    std::fflush(stderr);
  }

 private:
  std::size_t runs_;
  std::size_t done_ = 0;
  bool overwrites_;
};

/// Half of what raw manages is the same for all lanes, in all rounds.
void set_load(WorkloadResult& result) {
  if (result.about.load <= 0) return;
  Shape full = result.about.shape();
  full.system = System::raw;
  full.rate = 0;
  full.window = 0;
  const auto rate = static_cast<std::uint64_t>(std::max(1000.0, result.about.load * measure(full).rate));
  for (LaneResult& lane : result.lanes) lane.lane.shape.rate = rate;
}

/// Starting and ending the processes of a run takes a while, too.
double seconds_of(const Shape& shape) {
  const double processes = static_cast<double>(shape.senders + shape.receivers);
  return shape.seconds + 0.1 + 0.02 * processes;
}

}  // namespace

std::vector<WorkloadResult> measure_all(const std::vector<Workload>& workloads, std::uint64_t rounds) {
  std::vector<WorkloadResult> results;
  std::size_t lanes = 0;
  double seconds = 0;
  for (const Workload& workload : workloads) {
    results.push_back({workload, {}});
    for (const Lane& lane : workload.lanes) {
      results.back().lanes.push_back({lane});
      seconds += seconds_of(lane.shape);
    }
    lanes += workload.lanes.size();
  }
  const std::size_t runs = lanes * rounds;
  fmt::print(stderr, "{} runs: {} workloads, {} measurements in turns, {} round{}; about {:.0f} s\n", runs,
             workloads.size(), lanes, rounds, rounds == 1 ? "" : "s", std::ceil(seconds * static_cast<double>(rounds)));

  ProgressLine progress(runs);
  for (WorkloadResult& result : results) {
    set_load(result);
    for (std::uint64_t round = 0; round < rounds; ++round) {
      for (LaneResult& lane : result.lanes) {
        progress.begin(result.about, lane.lane, round);
        lane.rounds.push_back(measure(lane.lane.shape));
        progress.end(quantity_text(quantity_of(lane.rounds.back(), result.main()), result.main()));
      }
    }
  }
  return results;
}

}  // namespace galena::bench
