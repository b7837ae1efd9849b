// SPDX-License-Identifier: Apache-2.0
// galena-bench: Galena and its yardsticks side by side, in processes of their own on this machine.
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>

#include <fmt/core.h>

#include "galena/error.hpp"
#include "options.hpp"
#include "plan/result.hpp"
#include "report/report.hpp"
#include "run/measure.hpp"
#include "run/roles.hpp"
#include "systems/broker.hpp"

namespace galena::bench {

namespace {

void check_brokers(const std::vector<std::string>& names) {
  for (const System system : {System::nats, System::redis}) {
    const bool wanted = std::find(names.begin(), names.end(), to_string(system)) != names.end();
    if (!wanted || !broker_program(system).empty()) continue;
    throw Error(ErrorCode::invalid, fmt::format("--vs {} needs {}, which is not installed: `apt-get install {}`",
                                                to_string(system), broker_package(system), broker_package(system)));
  }
}

/// Opened before anything is measured, so that a path that cannot be written costs no minutes.
std::ofstream open_plot(const std::string& path) {
  std::ofstream file;
  if (path.empty()) return file;
  file.open(path);
  if (!file) throw Error(ErrorCode::system, "cannot write " + path + ": " + strerror(errno));
  return file;
}

void measure_and_tell(const Options& options) {
  check_brokers(options.versus);
  const std::vector<Workload> workloads = workloads_for(options);
  std::ofstream plot = open_plot(options.plot);
  const int rounds = rounds_of(options);
  const std::vector<WorkloadResult> results = measure_all(workloads, rounds);
  if (!options.plot.empty() && !(plot << to_svg(results)).flush()) {
    throw Error(ErrorCode::system, "cannot write " + options.plot + ": " + strerror(errno));
  }
  fmt::print("{}", options.json ? to_json(results, rounds) + "\n" : options.csv ? to_csv(results) : to_table(results));
}

}  // namespace

}  // namespace galena::bench

int main(int argc, char** argv) {
  using namespace galena;
  // A peer that has gone is an error of write(), not the end of this process.
  std::signal(SIGPIPE, SIG_IGN);
  bench::Options options;
  if (const auto code = bench::parse(argc, argv, options)) return *code;
  try {
    if (!options.role.empty()) return bench::run_role(bench::task_from(options.role));
    bench::measure_and_tell(options);
    return 0;
  } catch (const Error& error) {
    fmt::print(stderr, "galena-bench: {}\n", error.what());
    return error.code() == ErrorCode::invalid ? 2 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "galena-bench: {}\n", error.what());
    return 1;
  }
}
