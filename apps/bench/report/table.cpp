// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include "report/report.hpp"

namespace galena::bench {

namespace {

std::string throughput_row(const WorkloadResult& result, const LaneResult& lane) {
  const double rate = lane.median(Quantity::rate);
  return fmt::format("  {:<18}{:>10}{:>10}{:>10}{:>10}{:>10.3f}{:>9}\n", lane_title(lane.lane.name), short_number(rate),
                     short_number(lane.least(Quantity::rate)), short_number(lane.most(Quantity::rate)),
                     short_number(rate * static_cast<double>(lane.lane.shape.bytes)), lane.median(Quantity::cpu_us),
                     &lane == &result.lanes.front() ? "" : fmt::format("{:.2f} x", result.ratio_to(lane)));
}

std::string latency_row(const WorkloadResult& result, const LaneResult& lane) {
  return fmt::format("  {:<18}{:>8.0f}{:>8.0f}{:>8.0f}{:>8.0f}{:>10.0f}{:>8.3f}{:>9}\n", lane_title(lane.lane.name),
                     lane.median(Quantity::p50), lane.least(Quantity::p50), lane.most(Quantity::p50),
                     lane.median(Quantity::p99), lane.median(Quantity::p999), lane.median(Quantity::cpu_us),
                     &lane == &result.lanes.front() ? "" : fmt::format("{:.2f} x", result.ratio_to(lane)));
}

std::string idle_row(const LaneResult& lane) {
  return fmt::format("  {:<18}{}, {}\n", lane_title(lane.lane.name),
                     quantity_text(lane.median(Quantity::core_percent), Quantity::core_percent),
                     quantity_text(lane.median(Quantity::rss_mib), Quantity::rss_mib));
}

std::string header_of(WorkloadKind kind) {
  switch (kind) {
    case WorkloadKind::throughput:
      return fmt::format("  {:<18}{:>10}{:>10}{:>10}{:>10}{:>10}{:>9}\n", "", "events/s", "least", "most", "bytes/s",
                         "CPU us/ev", "galena");
    case WorkloadKind::latency:
      return fmt::format("  {:<18}{:>8}{:>8}{:>8}{:>8}{:>10}{:>8}{:>9}\n", "us", "p50", "least", "most", "p99", "p99.9",
                         "CPU/ev", "galena");
    case WorkloadKind::idle:
      break;
  }
  return {};
}

std::string row_of(const WorkloadResult& result, const LaneResult& lane) {
  switch (result.about.kind) {
    case WorkloadKind::throughput:
      return throughput_row(result, lane);
    case WorkloadKind::latency:
      return latency_row(result, lane);
    case WorkloadKind::idle:
      break;
  }
  return idle_row(lane);
}

}  // namespace

std::string to_table(const std::vector<WorkloadResult>& results) {
  std::string text;
  std::size_t targets = 0;
  std::size_t missed = 0;
  for (const WorkloadResult& result : results) {
    text += fmt::format("{}: {}", workload_title(result.about), result.about.about);
    const std::uint64_t rate = result.lanes.front().lane.shape.rate;
    if (result.about.load > 0) text += fmt::format(" ({}/s)", short_number(static_cast<double>(rate)));
    text += '\n' + header_of(result.about.kind);
    for (const LaneResult& lane : result.lanes) text += row_of(result, lane);
    for (const Verdict& verdict : result.verdicts()) {
      ++targets;
      missed += verdict.met ? 0 : 1;
      text += fmt::format("  {} {}\n", verdict.met ? "  met:" : "MISSED:", verdict_text(verdict));
    }
    text += '\n';
  }
  text += "The medians of all rounds; `galena` is how many times Galena's number is that of the row";
  text += targets == 0 ? ".\n" : fmt::format(". Of {} targets {} were met.\n", targets, targets - missed);
  return text;
}

}  // namespace galena::bench
