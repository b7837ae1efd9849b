// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include "report/report.hpp"

namespace galena::bench {

namespace {

/// Empty if there is nothing to say.
std::string cell(double value) { return value == 0 ? std::string() : fmt::format("{:.6g}", value); }

std::string csv_row(const WorkloadResult& result, const LaneResult& lane) {
  const Workload& about = result.about;
  const bool first = &lane == &result.lanes.front();
  const Quantity main = result.main();
  std::string target;
  std::string met;
  for (const Verdict& verdict : result.verdicts()) {
    const bool here = verdict.target.against == lane.lane.name ||
                      (first && (verdict.target.against.empty() || verdict.target.against == "best"));
    if (!here || verdict.target.quantity != main) continue;
    target = target_text(verdict.target);
    met = verdict.met ? "yes" : "no";
  }
  const double rate = lane.median(Quantity::rate);
  const bool idle = about.kind == WorkloadKind::idle;
  return fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}\n", about.name,
                     idle ? "" : to_string(lane.lane.shape.transport),
                     idle ? "" : std::to_string(lane.lane.shape.bytes), lane.lane.name, to_string(main),
                     lane.rounds.size(), cell(lane.median(main)), cell(lane.least(main)), cell(lane.most(main)),
                     cell(rate), cell(rate * static_cast<double>(lane.lane.shape.bytes)),
                     cell(lane.median(Quantity::cpu_us)), cell(lane.median(Quantity::p50)),
                     cell(lane.median(Quantity::p99)), cell(lane.median(Quantity::p999)),
                     cell(lane.median(Quantity::core_percent)), first ? "" : cell(result.ratio_to(lane)), target, met);
}

}  // namespace

std::string to_csv(const std::vector<WorkloadResult>& results) {
  std::string text =
      "workload,transport,bytes,system,quantity,rounds,median,min,max,events_per_s,bytes_per_s,cpu_us,p50_us,p99_us,"
      "p999_us,core_percent,ratio,target,met\n";
  for (const WorkloadResult& result : results) {
    for (const LaneResult& lane : result.lanes) text += csv_row(result, lane);
  }
  return text;
}

}  // namespace galena::bench
