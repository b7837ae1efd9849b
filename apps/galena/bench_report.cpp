// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "bench_case.hpp"

namespace galena::cli {

namespace {

using Json = nlohmann::ordered_json;

double p50_of(const BenchReport& report) { return report.p50_us; }
double p99_of(const BenchReport& report) { return report.p99_us; }
double p999_of(const BenchReport& report) { return report.p999_us; }

double ratio(double ours, double theirs) { return theirs > 0 ? ours / theirs : 0; }
/// To so many digits behind the point.
double rounded(double value, int digits) {
  const double scale = std::pow(10, digits);
  return std::round(value * scale) / scale;
}

/// "13.4 M", "820 k".
std::string short_rate(double rate) {
  if (rate >= 1e6) return fmt::format("{:.2f} M", rate / 1e6);
  return rate >= 1e4 ? fmt::format("{:.0f} k", rate / 1e3) : fmt::format("{:.1f} k", rate / 1e3);
}

std::string size_text(std::uint64_t bytes) {
  return bytes >= 1024 && bytes % 1024 == 0 ? fmt::format("{} KiB", bytes / 1024) : fmt::format("{} B", bytes);
}

std::string rate_cell(const BenchResult& result, System system) {
  const BenchSeries* series = result.of(system);
  if (series == nullptr) return "-";
  const auto [least, most] = std::minmax_element(
      series->rounds.begin(), series->rounds.end(),
      [](const BenchReport& one, const BenchReport& other) { return rate_of(one) < rate_of(other); });
  return fmt::format("{} ({} - {})", short_rate(series->median(rate_of)), short_rate(rate_of(*least)),
                     short_rate(rate_of(*most)));
}

/// Galena's to the other's.
double ratio_to(const BenchResult& result, System other, double (*of)(const BenchReport&)) {
  const BenchSeries* ours = result.of(System::galena);
  const BenchSeries* theirs = result.of(other);
  return ours == nullptr || theirs == nullptr ? 0 : ratio(ours->median(of), theirs->median(of));
}

double cpu_us(const BenchResult& result, System system) {
  const BenchSeries* series = result.of(system);
  return series == nullptr ? 0 : series->median(cpu_us_of);
}

void add_throughput(Json& list, const BenchResult& result) {
  Json line{{"bytes", result.about.bytes}};
  for (const BenchSeries& series : result.series) line[to_string(series.system)] = std::round(series.median(rate_of));
  line["ratio"] = rounded(ratio_to(result, System::raw, rate_of), 3);
  line["tcp_ratio"] = rounded(ratio_to(result, System::tcp, rate_of), 3);
  for (const BenchSeries& series : result.series) {
    std::vector<double> rates;
    for (const BenchReport& report : series.rounds) rates.push_back(std::round(rate_of(report)));
    line[to_string(series.system) + "_rounds"] = rates;
    line[to_string(series.system) + "_cpu_us"] = rounded(series.median(cpu_us_of), 4);
  }
  list.push_back(line);
}

Json latency_of(const BenchResult& result) {
  Json line;
  for (const BenchSeries& series : result.series) {
    line[to_string(series.system) + "_p50_us"] = rounded(series.median(p50_of), 1);
  }
  line["p50_ratio"] = rounded(ratio_to(result, System::raw, p50_of), 3);
  for (const BenchSeries& series : result.series) {
    line[to_string(series.system) + "_p99_us"] = rounded(series.median(p99_of), 1);
    line[to_string(series.system) + "_p999_us"] = rounded(series.median(p999_of), 1);
  }
  line["p99_ratio"] = rounded(ratio_to(result, System::raw, p99_of), 3);
  return line;
}

}  // namespace

std::string bench_json(const std::vector<BenchResult>& results, int rounds) {
  Json json{{"rounds", rounds}, {"throughput", Json::array()}};
  for (const BenchResult& result : results) {
    if (result.about.rate > 0) {
      json["latency"] = latency_of(result);
    } else {
      add_throughput(json[result.about.selects ? "one_topic" : "throughput"], result);
    }
  }
  return json.dump();
}

std::string bench_table(const std::vector<BenchResult>& results) {
  std::string text;
  std::string rates;
  bool any_selects = false;
  for (const BenchResult& result : results) {
    if (result.about.rate > 0) continue;
    any_selects = any_selects || result.about.selects;
    rates += fmt::format(
        "{:>10}{:<28}{:<28}{:<28}{:>8.2f}{:>9.2f}{:>11.3f}{:>9.3f}\n",
        size_text(result.about.bytes) + (result.about.selects ? " *" : "  "), rate_cell(result, System::galena),
        rate_cell(result, System::raw), rate_cell(result, System::tcp), ratio_to(result, System::raw, rate_of),
        ratio_to(result, System::tcp, rate_of), cpu_us(result, System::galena), cpu_us(result, System::raw));
  }
  if (!rates.empty()) {
    text += "Events a second, one producer process to one consumer process over TCP: median (least - most)\n";
    text += fmt::format("{:>8}  {:<28}{:<28}{:<28}{:>8}{:>9}{:>11}{:>9}\n", "message", "galena", "libzmq PUSH/PULL",
                        "plain TCP, packed", "x libzmq", "x TCP", "cpu us/ev", "libzmq");
    text += rates;
    if (any_selects) text += "* the subscription names the topic; the others take everything\n";
  }

  for (const BenchResult& result : results) {
    if (result.about.rate == 0) continue;
    if (!text.empty()) text += '\n';
    text += fmt::format("Latency of a lone event of {}, {} a second, in us: median over the rounds\n",
                        size_text(result.about.bytes), result.about.rate);
    text += fmt::format("{:>18}{:>9}{:>9}{:>9}\n", "", "p50", "p99", "p99.9");
    for (const BenchSeries& series : result.series) {
      text += fmt::format("{:>18}{:>9.0f}{:>9.0f}{:>9.0f}\n", to_string(series.system), series.median(p50_of),
                          series.median(p99_of), series.median(p999_of));
    }
    text += fmt::format("{:>18}{:>9.2f}{:>9.2f}{:>9.2f}\n", "galena x raw", ratio_to(result, System::raw, p50_of),
                        ratio_to(result, System::raw, p99_of), ratio_to(result, System::raw, p999_of));
  }
  return text;
}

}  // namespace galena::cli
