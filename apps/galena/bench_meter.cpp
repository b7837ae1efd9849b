// SPDX-License-Identifier: Apache-2.0
#include "bench_meter.hpp"

#include <fmt/core.h>
#include <sys/resource.h>

#include <algorithm>

namespace galena::cli {

namespace {

double quantile_us(const std::vector<std::uint64_t>& sorted, double part) {
  if (sorted.empty()) return 0;
  const auto at = static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1));
  return static_cast<double>(sorted[at]) / 1000;
}

}  // namespace

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void Meter::begin() {
  first_ = Clock::now();
  cpu_ = cpu_seconds();
}

bool Meter::finish() {
  last_ = Clock::now();
  cpu_ = cpu_seconds() - cpu_;
  ++next_;
  complete_ = true;
  return false;
}

bool Meter::fail(std::uint64_t got) {
  got_ = got;
  failed_ = true;
  return false;
}

std::string Meter::problem() const {
  if (failed_) return fmt::format("event {} was due, but {} came", next_, got_);
  return fmt::format("the last event did not come; {} did", next_);
}

BenchReport Meter::report() const {
  BenchReport report;
  report.events = next_;
  report.seconds = galena::seconds(last_ - first_);
  report.cpu_seconds = cpu_;
  // The first tenth warms up caches and the scheduler.
  std::vector<std::uint64_t> sorted(latencies_.begin() + static_cast<std::ptrdiff_t>(latencies_.size() / 10),
                                    latencies_.end());
  std::sort(sorted.begin(), sorted.end());
  report.p50_us = quantile_us(sorted, 0.5);
  report.p99_us = quantile_us(sorted, 0.99);
  report.p999_us = quantile_us(sorted, 0.999);
  return report;
}

}  // namespace galena::cli
