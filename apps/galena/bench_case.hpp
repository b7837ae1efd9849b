// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench.hpp"
#include "bench_task.hpp"

namespace galena::cli {

/// One line of the result: a workload that each of its systems does in turns, several times.
struct BenchCase {
  std::string name;
  std::vector<System> systems;
  std::uint64_t bytes = 64;
  std::uint64_t rate = 0;  ///< 0: throughput. Else: latency at so many events a second
  double seconds = 1;      ///< of each run
  std::uint64_t window = 0;
  bool selects = false;
};

/// What was measured of one system in one case, a report for each round.
struct BenchSeries {
  System system = System::galena;
  std::vector<BenchReport> rounds = {};

  /// The median over the rounds of something about them.
  template <class F>
  double median(F&& of) const {
    std::vector<double> values;
    for (const BenchReport& report : rounds) values.push_back(of(report));
    return median_of(std::move(values));
  }
  static double median_of(std::vector<double> values);
};

struct BenchResult {
  BenchCase about;
  std::vector<BenchSeries> series;

  /// Null if that system is not part of the case.
  const BenchSeries* of(System system) const;
};

/// Events a second, from the first to the last.
inline double rate_of(const BenchReport& report) {
  return report.seconds > 0 ? static_cast<double>(report.events - 1) / report.seconds : 0;
}
/// Of both sides together.
inline double cpu_us_of(const BenchReport& report) {
  return report.events > 0 ? report.cpu_seconds * 1e6 / static_cast<double>(report.events) : 0;
}

/// The table of what is measured, and how often.
std::vector<BenchCase> bench_cases(const BenchOptions& options);
int bench_rounds(const BenchOptions& options);

/// Runs one case once for one of its systems: two processes. Throws Error if not exactly what was sent arrived.
BenchReport measure(const BenchCase& about, System system);

/// Everything, in turns. Says on standard error how far it is.
std::vector<BenchResult> measure_all(const std::vector<BenchCase>& cases, int rounds);

/// The results for people, and for programs.
std::string bench_table(const std::vector<BenchResult>& results);
std::string bench_json(const std::vector<BenchResult>& results, int rounds);

}  // namespace galena::cli
