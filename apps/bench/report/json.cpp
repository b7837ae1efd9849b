// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <nlohmann/json.hpp>

#include "report/report.hpp"

namespace galena::bench {

namespace {

using Json = nlohmann::ordered_json;

/// To so many digits behind the point.
double rounded(double value, int digits) {
  const double scale = std::pow(10, digits);
  return std::round(value * scale) / scale;
}

const LaneResult* lane_of(const WorkloadResult& result, const std::string& name) {
  for (const LaneResult& lane : result.lanes) {
    if (lane.lane.name == name) return &lane;
  }
  return nullptr;
}

double median_ratio(const WorkloadResult& result, const std::string& name, Quantity quantity) {
  const LaneResult* lane = lane_of(result, name);
  const double theirs = lane == nullptr ? 0 : lane->median(quantity);
  return theirs > 0 ? rounded(result.lanes.front().median(quantity) / theirs, 3) : 0;
}

Json rounded_list(const LaneResult& lane, Quantity quantity, int digits) {
  Json list = Json::array();
  for (const double value : lane.all(quantity)) list.push_back(rounded(value, digits));
  return list;
}

Json summary_of(const WorkloadResult& result) {
  Json line{{"bytes", result.about.shape().bytes}};
  for (const LaneResult& lane : result.lanes) line[lane.lane.name] = rounded(lane.median(Quantity::rate), 0);
  line["ratio"] = median_ratio(result, "raw", Quantity::rate);
  line["tcp_ratio"] = median_ratio(result, "tcp", Quantity::rate);
  for (const LaneResult& lane : result.lanes) {
    line[lane.lane.name + "_rounds"] = rounded_list(lane, Quantity::rate, 0);
    line[lane.lane.name + "_cpu_us"] = rounded(lane.median(Quantity::cpu_us), 4);
  }
  return line;
}

Json latency_of(const WorkloadResult& result) {
  Json line;
  for (const LaneResult& lane : result.lanes) {
    line[lane.lane.name + "_p50_us"] = rounded(lane.median(Quantity::p50), 1);
  }
  line["p50_ratio"] = median_ratio(result, "raw", Quantity::p50);
  for (const LaneResult& lane : result.lanes) {
    line[lane.lane.name + "_p99_us"] = rounded(lane.median(Quantity::p99), 1);
    line[lane.lane.name + "_p999_us"] = rounded(lane.median(Quantity::p999), 1);
  }
  line["p99_ratio"] = median_ratio(result, "raw", Quantity::p99);
  return line;
}

Json target_of(const Verdict& verdict) {
  Json json{{"quantity", to_string(verdict.target.quantity)}};
  if (!verdict.target.against.empty()) json["against"] = verdict.target.against;
  json["value"] = rounded(verdict.value, 3);
  json["target"] = target_text(verdict.target);
  json["met"] = verdict.met;
  return json;
}

Json system_of(const WorkloadResult& result, const LaneResult& lane) {
  const Quantity main = result.main();
  Json json{{"name", lane.lane.name},
            {"median", rounded(lane.median(main), 3)},
            {"min", rounded(lane.least(main), 3)},
            {"max", rounded(lane.most(main), 3)},
            {"rounds", rounded_list(lane, main, 3)}};
  if (result.about.kind == WorkloadKind::idle) {
    json["core_percent"] = rounded(lane.median(Quantity::core_percent), 4);
    json["rss_mib"] = rounded(lane.median(Quantity::rss_mib), 2);
    return json;
  }
  const double rate = lane.median(Quantity::rate);
  json["events_per_s"] = rounded(rate, 0);
  json["bytes_per_s"] = rounded(rate * static_cast<double>(lane.lane.shape.bytes), 0);
  json["cpu_us"] = rounded(lane.median(Quantity::cpu_us), 4);
  if (lane.lane.shape.relay != Relay::none) json["relay_cpu_us"] = rounded(lane.median(Quantity::relay_cpu_us), 4);
  if (result.about.kind == WorkloadKind::latency) {
    json["p50_us"] = rounded(lane.median(Quantity::p50), 1);
    json["p99_us"] = rounded(lane.median(Quantity::p99), 1);
    json["p999_us"] = rounded(lane.median(Quantity::p999), 1);
  }
  if (&lane == &result.lanes.front()) return json;
  json["ratio"] = rounded(result.ratio_to(lane), 3);
  for (const Verdict& verdict : result.verdicts()) {
    if (verdict.target.against != lane.lane.name || verdict.target.quantity != main) continue;
    json["target"] = target_text(verdict.target);
    json["met"] = verdict.met;
  }
  return json;
}

Json workload_of(const WorkloadResult& result) {
  const Workload& about = result.about;
  Json json{{"name", about.name}, {"about", about.about}};
  if (about.kind != WorkloadKind::idle) {
    json["transport"] = to_string(about.shape().transport);
    json["bytes"] = about.shape().bytes;
  }
  json["quantity"] = to_string(result.main());
  if (about.load > 0) json["events_per_s"] = result.lanes.front().lane.shape.rate;
  json["systems"] = Json::array();
  for (const LaneResult& lane : result.lanes) json["systems"].push_back(system_of(result, lane));
  json["targets"] = Json::array();
  for (const Verdict& verdict : result.verdicts()) json["targets"].push_back(target_of(verdict));
  return json;
}

}  // namespace

std::string to_json(const std::vector<WorkloadResult>& results, std::uint64_t rounds) {
  Json json{{"rounds", rounds}, {"throughput", Json::array()}};
  Json workloads = Json::array();
  for (const WorkloadResult& result : results) {
    workloads.push_back(workload_of(result));
    // The first table there was: over TCP alone.
    if (result.about.shape().transport != Transport::tcp) continue;
    if (result.about.name == "throughput") json["throughput"].push_back(summary_of(result));
    if (result.about.name == "one-topic") json["one_topic"].push_back(summary_of(result));
    if (result.about.name == "latency" && !json.contains("latency")) json["latency"] = latency_of(result);
  }
  json["workloads"] = std::move(workloads);
  return json.dump();
}

}  // namespace galena::bench
