// SPDX-License-Identifier: Apache-2.0
#include "bench.hpp"

#include <fmt/core.h>

#include "bench_case.hpp"
#include "bench_roles.hpp"
#include "galena/base/error.hpp"

namespace galena::cli {

int run_bench(const BenchOptions& options) {
  try {
    if (!options.role.empty()) return run_bench_role(task_from(options.role));
    const int rounds = bench_rounds(options);
    const std::vector<BenchResult> results = measure_all(bench_cases(options), rounds);
    fmt::print("{}", options.json ? bench_json(results, rounds) + "\n" : bench_table(results));
    return 0;
  } catch (const Error& error) {
    fmt::print(stderr, "galena bench: {}\n", error.what());
    return 1;
  }
}

}  // namespace galena::cli
