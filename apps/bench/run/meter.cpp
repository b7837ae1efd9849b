// SPDX-License-Identifier: Apache-2.0
#include "run/meter.hpp"

#include <fmt/core.h>
#include <sys/resource.h>

#include <algorithm>

namespace galena::bench {

namespace {

double quantile_us(const std::vector<std::uint64_t>& sorted, double part) {
  if (sorted.empty()) return 0;
  const auto at = static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1));
  return static_cast<double>(sorted[at]) / 1000;
}

double rate_between(std::uint64_t events, Time from, Time to) {
  return to > from ? static_cast<double>(events) / in_seconds(to - from) : 0;
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

Meter::Meter(const Task& task, std::uint64_t consumer)
    : bytes_(task.shape.bytes),
      step_(task.shape.stride()),
      timed_(task.shape.rate > 0),
      counts_(task.part != Part::slow) {
  const std::uint64_t from = counts_ ? 0 : slow_source;
  const std::uint64_t to = counts_ ? task.shape.senders : slow_source + 1;
  for (std::uint64_t source = from; source < to; ++source) {
    sources_[source].awaited = true;
    sources_[source].first = source << source_shift | (task.shape.divided ? consumer : 0);
    ++wanted_;
  }
  // To grow while events come would show in their latencies.
  latencies_.resize(static_cast<std::size_t>(static_cast<double>(task.shape.rate) * task.shape.seconds * 1.1));
  latencies_.clear();
}

/// The first event of a source, its last, or one that should not be.
bool Meter::take_special(Source& source, std::uint64_t word) {
  if (!source.awaited || source.ended) return fail("nothing was due");
  if (source.expected == nothing) {
    source.expected = source.first;
    if (begun_++ == 0) {
      first_ = Clock::now();
      cpu_first_ = cpu_seconds();
    }
    if (begun_ == wanted_) {
      from_ = Clock::now();
      count_from_ = count() + 1;
    }
    if (word == source.expected) return true;
  }
  if (word != (source.expected | last_event)) {
    return fail(fmt::format("event {} was due", source.expected - (source.first & ~last_event)));
  }
  source.ended = true;
  source.end = source.expected + step_;
  source.expected = nothing;
  if (ended_++ == 0) {
    to_ = Clock::now();
    count_to_ = count();
  }
  if (ended_ == wanted_) {
    last_ = Clock::now();
    cpu_last_ = cpu_seconds();
    return false;
  }
  source.expected -= step_;  // take() moves it on
  return true;
}

bool Meter::fail(std::string why) {
  failed_ = true;
  why_ = std::move(why);
  return false;
}

std::uint64_t Meter::count() const {
  std::uint64_t count = 0;
  for (const Source& source : sources_) {
    const bool begun = source.ended || source.expected != nothing;
    if (begun) count += ((source.ended ? source.end : source.expected) - source.first) / step_;
  }
  return count;
}

std::string Meter::problem() const {
  if (failed_) return fmt::format("after {} events another came than should have: {}", count(), why_);
  return fmt::format("the last event did not come; {} did", count());
}

Report Meter::report(const std::vector<std::unique_ptr<Meter>>& meters) {
  Report report;
  std::vector<std::uint64_t> sorted;
  double cpu_first = meters.front()->cpu_first_;
  double cpu_last = 0;
  for (const auto& meter : meters) {
    const std::uint64_t count = meter->count();
    report.received += count;
    if (meter->counts_) {
      // Sources that never sent at the same time leave nothing between.
      const bool overlap = meter->to_ > meter->from_;
      report.rate += overlap ? rate_between(meter->count_to_ - meter->count_from_, meter->from_, meter->to_)
                             : rate_between(count - 1, meter->first_, meter->last_);
    }
    cpu_first = std::min(cpu_first, meter->cpu_first_);
    cpu_last = std::max(cpu_last, meter->cpu_last_);
    // The first tenth warms up caches and the scheduler.
    const auto& all = meter->latencies_;
    sorted.insert(sorted.end(), all.begin() + static_cast<std::ptrdiff_t>(all.size() / 10), all.end());
  }
  report.cpu_seconds = cpu_last - cpu_first;
  std::sort(sorted.begin(), sorted.end());
  report.p50_us = quantile_us(sorted, 0.5);
  report.p99_us = quantile_us(sorted, 0.99);
  report.p999_us = quantile_us(sorted, 0.999);
  return report;
}

}  // namespace galena::bench
