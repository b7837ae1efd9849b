// SPDX-License-Identifier: Apache-2.0
#include "bench_case.hpp"

#include <algorithm>

namespace galena::cli {

double BenchSeries::median_of(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

const BenchSeries* BenchResult::of(System system) const {
  for (const BenchSeries& one : series) {
    if (one.system == system) return &one;
  }
  return nullptr;
}

int bench_rounds(const BenchOptions& options) { return options.rounds > 0 ? options.rounds : 5; }

std::vector<BenchCase> bench_cases(const BenchOptions& options) {
  const double seconds = options.seconds > 0 ? options.seconds : options.quick ? 0.3 : 1.5;
  const std::vector<std::uint32_t> sizes =
      options.sizes.empty() ? std::vector<std::uint32_t>{16, 64, 1024, 65536} : options.sizes;
  std::vector<BenchCase> cases;
  if (options.only != "latency") {
    for (const std::uint32_t bytes : sizes) {
      cases.push_back({.name = "throughput",
                       .systems = {System::galena, System::raw, System::tcp},
                       .bytes = std::max<std::uint32_t>(bytes, 16),
                       .seconds = seconds,
                       .window = options.window});
    }
  }
  // What it costs to select: last, so that the first entry of a size is the one that takes everything.
  if (options.only != "latency" && !options.quick && options.sizes.empty()) {
    cases.push_back({.name = "one topic",
                     .systems = {System::galena, System::raw},
                     .bytes = 64,
                     .seconds = seconds,
                     .window = options.window,
                     .selects = true});
  }
  if (options.only != "throughput") {
    cases.push_back({.name = "latency",
                     .systems = {System::galena, System::raw, System::tcp},
                     .bytes = 64,
                     .rate = 1000,
                     .seconds = std::max(seconds, 0.6),
                     .window = options.window});
  }
  return cases;
}

}  // namespace galena::cli
