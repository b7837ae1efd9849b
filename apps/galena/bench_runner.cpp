// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include "bench_case.hpp"
#include "bench_roles.hpp"
#include "child.hpp"
#include "galena/base/error.hpp"
#include "galena/base/id.hpp"

namespace galena::cli {

namespace {

std::vector<std::string> command(const BenchTask& task) {
  std::vector<std::string> words{"bench", "--role"};
  for (std::string& word : to_words(task)) words.push_back(std::move(word));
  return words;
}

std::string line_from(Child& child, const BenchTask& task, Time deadline) {
  if (auto line = child.wait_for_line(deadline)) return *line;
  const std::string who = to_string(task.system) + (task.sends ? "'s sender" : "'s receiver");
  throw child.finished() ? Error(ErrorCode::handler, "bench: " + who + " failed")
                         : Error(ErrorCode::timeout, "bench: " + who + " did not finish in time");
}

}  // namespace

BenchReport measure(const BenchCase& about, System system) {
  const auto patience = std::chrono::milliseconds(2 * bench_patience_ms + static_cast<int>(about.seconds * 3000));
  const Time deadline = Clock::now() + patience;
  BenchTask task{.system = system,
                 .peer = "bench-" + Id::random().hex(),
                 .bytes = about.bytes,
                 .seconds = about.seconds,
                 .rate = about.rate,
                 .window = about.window,
                 .selects = about.selects};
  Child receiver(command(task));
  const std::string ready = line_from(receiver, task, deadline);
  BenchTask send = task;
  send.sends = true;
  send.peer = ready.substr(ready.find(' ') + 1);
  Child sender(command(send));

  const BenchReport sent = report_from(line_from(sender, send, deadline));
  BenchReport report = report_from(line_from(receiver, task, deadline));
  if (report.events != sent.events) {
    throw Error(ErrorCode::handler, fmt::format("bench: {}: {} events were sent, and {} received", to_string(system),
                                                sent.events, report.events));
  }
  report.cpu_seconds += sent.cpu_seconds;
  return report;
}

std::vector<BenchResult> measure_all(const std::vector<BenchCase>& cases, int rounds) {
  std::vector<BenchResult> results;
  std::size_t runs = 0;
  for (const BenchCase& about : cases) {
    results.push_back({about, {}});
    for (const System system : about.systems) results.back().series.push_back({system});
    runs += about.systems.size() * static_cast<std::size_t>(rounds);
  }

  std::size_t done = 0;
  for (BenchResult& result : results) {
    for (int round = 0; round < rounds; ++round) {
      for (BenchSeries& series : result.series) {
        fmt::print(stderr, "[{}/{}] {}, {} B, {}, round {}: ", ++done, runs, result.about.name, result.about.bytes,
                   to_string(series.system), round + 1);
        const BenchReport report = measure(result.about, series.system);
        if (result.about.rate > 0) {
          fmt::print(stderr, "{:.0f} us\n", report.p50_us);
        } else {
          fmt::print(stderr, "{:.0f} events/s\n", rate_of(report));
        }
        series.rounds.push_back(report);
      }
    }
  }
  return results;
}

}  // namespace galena::cli
