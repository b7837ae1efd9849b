// SPDX-License-Identifier: Apache-2.0
#include "bench.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "bench_broker.hpp"
#include "bench_result.hpp"
#include "bench_roles.hpp"
#include "exit_code.hpp"
#include "galena/error.hpp"

namespace galena::cli {

namespace {

void check_brokers(const std::vector<std::string>& names) {
  for (const System system : {System::nats, System::redis}) {
    const bool wanted = std::find(names.begin(), names.end(), to_string(system)) != names.end();
    if (!wanted || !broker_program(system).empty()) continue;
    throw UsageError(fmt::format("--vs {} needs {}: `apt-get install {}`", to_string(system), broker_package(system),
                                 broker_package(system)));
  }
}

/// Opened before anything is measured, so that a name that makes no sense costs no minutes.
std::ofstream open_plot(const std::string& path) {
  std::ofstream file;
  if (path.empty()) return file;
  file.open(path);
  if (!file) throw Error(ErrorCode::system, "cannot write " + path + ": " + strerror(errno));
  return file;
}

}  // namespace

int run_bench(const BenchOptions& options) {
  if (!options.role.empty()) return run_bench_role(task_from(options.role));
  check_brokers(options.versus);
  const std::vector<Workload> workloads = bench_workloads(options);
  try {
    std::ofstream plot = open_plot(options.plot);
    const int rounds = bench_rounds(options);
    const std::vector<WorkloadResult> results = measure_all(workloads, rounds);
    if (!options.plot.empty() && !(plot << bench_plot(results)).flush()) {
      throw Error(ErrorCode::system, "cannot write " + options.plot + ": " + strerror(errno));
    }
    fmt::print("{}", options.json  ? bench_json(results, rounds) + "\n"
                     : options.csv ? bench_csv(results)
                                   : bench_table(results));
    return exit_ok;
  } catch (const Error& error) {
    fmt::print(stderr, "galena bench: {}\n", error.what());
    return exit_error;
  }
}

}  // namespace galena::cli
