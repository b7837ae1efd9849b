// SPDX-License-Identifier: Apache-2.0
#include "plan/result.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace galena::bench {

namespace {

double median_of(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double per_event_us(double seconds, std::uint64_t events) {
  return events > 0 ? seconds * 1e6 / static_cast<double>(events) : 0;
}

double quotient(double ours, double theirs) { return theirs > 0 ? ours / theirs : 0; }

Verdict verdict_on(const WorkloadResult& result, const Target& target) {
  double theirs = 0;
  for (std::size_t i = 1; i < result.lanes.size(); ++i) {
    const LaneResult& lane = result.lanes[i];
    if (lane.lane.name != target.against && target.against != "best") continue;
    theirs = std::max(theirs, lane.median(target.their_quantity));
  }
  const double ours = result.lanes.front().median(target.quantity);
  const double value = target.against.empty() ? ours : quotient(ours, theirs);
  return {target, value, target.at_most ? value <= target.bound : value >= target.bound};
}

}  // namespace

double quantity_of(const Report& report, Quantity quantity) {
  switch (quantity) {
    case Quantity::rate:
      return report.rate;
    case Quantity::p50:
      return report.p50_us;
    case Quantity::p99:
      return report.p99_us;
    case Quantity::p999:
      return report.p999_us;
    case Quantity::cpu_us:
      return per_event_us(report.cpu_seconds, report.received);
    case Quantity::relay_cpu_us:
      return per_event_us(report.relay_cpu_seconds, report.received);
    case Quantity::core_percent:
      return report.core_percent;
    case Quantity::rss_mib:
      break;
  }
  return report.rss_bytes / (1 << 20);
}

std::vector<double> LaneResult::all(Quantity quantity) const {
  std::vector<double> values;
  for (const Report& report : rounds) values.push_back(quantity_of(report, quantity));
  return values;
}
double LaneResult::median(Quantity quantity) const { return median_of(all(quantity)); }
double LaneResult::least(Quantity quantity) const {
  const std::vector<double> values = all(quantity);
  return values.empty() ? 0 : *std::min_element(values.begin(), values.end());
}
double LaneResult::most(Quantity quantity) const {
  const std::vector<double> values = all(quantity);
  return values.empty() ? 0 : *std::max_element(values.begin(), values.end());
}

Quantity WorkloadResult::main() const {
  switch (about.kind) {
    case WorkloadKind::throughput:
      return Quantity::rate;
    case WorkloadKind::latency:
      return Quantity::p50;
    case WorkloadKind::idle:
      break;
  }
  return Quantity::rss_mib;
}

double WorkloadResult::ratio_to(const LaneResult& lane) const {
  return quotient(lanes.front().median(main()), lane.median(main()));
}

std::vector<Verdict> WorkloadResult::verdicts() const {
  std::vector<Verdict> verdicts;
  for (const Target& target : about.targets) verdicts.push_back(verdict_on(*this, target));
  return verdicts;
}

std::string target_text(const Target& target) {
  return fmt::format("{} {}", target.at_most ? "<=" : ">=", target.bound);
}

std::string verdict_text(const Verdict& verdict) {
  const Target& target = verdict.target;
  std::string what(to_string(target.quantity));
  if (target.their_quantity != target.quantity) what += fmt::format(" to {}", to_string(target.their_quantity));
  if (target.against.empty()) return fmt::format("{} {:.2f} ({})", what, verdict.value, target_text(target));
  return fmt::format("{} {:.2f} x {} ({})", what, verdict.value, lane_title(target.against), target_text(target));
}

std::string short_number(double number) {
  constexpr std::pair<double, const char*> units[] = {{1e9, " G"}, {1e6, " M"}, {1e3, " k"}, {1, ""}};
  for (const auto& [unit, name] : units) {
    if (number < 0.9995 * unit && unit > 1) continue;
    const double value = number / unit;
    return fmt::format("{:.{}f}{}", value, value < 10 && unit > 1 ? 2 : value < 100 && unit > 1 ? 1 : 0, name);
  }
  return {};
}

std::string size_text(std::uint64_t bytes) {
  if (bytes >= 1 << 20 && bytes % (1 << 20) == 0) return fmt::format("{} MiB", bytes >> 20);
  return bytes >= 1024 && bytes % 1024 == 0 ? fmt::format("{} KiB", bytes / 1024) : fmt::format("{} B", bytes);
}

std::string quantity_text(double value, Quantity quantity) {
  switch (quantity) {
    case Quantity::rate:
      return short_number(value) + " events/s";
    case Quantity::p50:
    case Quantity::p99:
    case Quantity::p999:
      return fmt::format("{:.0f} us", value);
    case Quantity::cpu_us:
    case Quantity::relay_cpu_us:
      return fmt::format("{:.3f} us", value);
    case Quantity::core_percent:
      return fmt::format("{:.3f} % of a core", value);
    case Quantity::rss_mib:
      break;
  }
  return fmt::format("{:.1f} MiB", value);
}

std::string workload_title(const Workload& workload) {
  if (workload.kind == WorkloadKind::idle) return workload.name;
  return fmt::format("{}, {}, {}", workload.name, to_string(workload.shape().transport),
                     size_text(workload.shape().bytes));
}

std::string lane_title(const std::string& lane) {
  if (lane == "raw") return "libzmq PUSH/PULL";
  if (lane == "pubsub") return "libzmq XPUB/SUB";
  if (lane == "tcp") return "plain, packed";
  if (lane == "nats") return "NATS";
  if (lane == "redis") return "Redis";
  return lane;
}

}  // namespace galena::bench
