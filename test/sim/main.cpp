// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "common/option_parser.hpp"
#include "world.hpp"

namespace {

using namespace galena::sim;

constexpr const char* about =
    "Runs producers, relays and consumers through breaking links, crashes, pauses and full buffers, in one thread "
    "under\n"
    "a schedule that a seed decides, and checks after each step what they promise. The same seed is the same run.\n"
    "Exit codes: 0 fine, 1 a promise was broken, 2 usage.";

constexpr const char* examples = R"(  sim --seeds 100000 --jobs 2
  sim --seeds 100000 --keep-going
  sim --seed 4711
  sim --fault early-acknowledge --seeds 50)";

struct Options {
  std::uint64_t first = 1;
  std::uint64_t seeds = 1000;
  std::uint64_t steps = default_steps;
  std::uint64_t jobs = 1;
  std::uint64_t last = 40;
  Fault fault = Fault::none;
  std::string fault_name;
  bool keep_going = false;
};

/// The broken promises of a run that keeps going, by kind.
class Histogram {
 public:
  void add(std::uint64_t seed, Kind kind) {
    std::vector<std::uint64_t>& seeds = seeds_[kind];
    seeds.push_back(seed);
    std::sort(seeds.begin(), seeds.end());  // threads come to them in no order
  }
  void print() const {
    for (const auto& [kind, seeds] : seeds_) {
      std::printf("%-16s %6zu seeds:", std::string(to_string(kind)).c_str(), seeds.size());
      for (std::size_t i = 0; i < std::min(seeds.size(), shown); ++i) {
        std::printf(" %llu", static_cast<unsigned long long>(seeds[i]));
      }
      std::puts(seeds.size() > shown ? " ..." : "");
    }
  }

 private:
  static constexpr std::size_t shown = 8;
  std::map<Kind, std::vector<std::uint64_t>> seeds_;
};

std::vector<std::string> fault_names() {
  std::vector<std::string> names;
  for (const FaultInfo& info : faults) names.emplace_back(info.name);
  return names;
}

void list_faults() {
  for (const FaultInfo& info : faults) {
    std::printf("%-18s %s (caught as: %s)\n", std::string(info.name).c_str(), std::string(info.what).c_str(),
                std::string(to_string(info.caught_as)).c_str());
  }
}

/// Reads the command line into `options`. Returns the exit code if the program is to end now.
std::optional<int> read(int argc, char** argv, Options& options) {
  std::optional<std::uint64_t> seed;
  bool lists_faults = false;
  galena::common::OptionParser parser("sim", about, examples);
  parser.add("--seeds", &options.seeds, "Run so many seeds", {.type = "N"});
  parser.add("--first", &options.first, "Begin with this seed", {.type = "N"});
  parser.add("--seed", &seed, "Run this seed alone", {.type = "S"});
  parser.add("--steps", &options.steps, "Steps with mishaps in each run", {.type = "N"});
  parser.add("--jobs", &options.jobs, "Run so many seeds at once", {.type = "N", .least = 1});
  parser.add("--keep-going", &options.keep_going,
             "Run all seeds, one line for each that fails, and count them by the kind of promise at the end");
  parser.add("--last", &options.last, "Show so many of the last steps of a run that fails", {.type = "N"});
  parser.add("--fault", &options.fault_name, "Make a deliberate mistake, to see that it is caught",
             {.type = "NAME", .one_of = fault_names()});
  parser.add("--list-faults", &lists_faults, "Print the names that --fault takes");
  if (const auto code = parser.parse(argc, argv)) return code;
  if (lists_faults) {
    list_faults();
    return 0;
  }
  if (seed) {
    options.first = *seed;
    options.seeds = 1;
  }
  for (const FaultInfo& info : faults) {
    if (info.name == options.fault_name) options.fault = info.fault;
  }
  return std::nullopt;
}

thread_local std::uint64_t current_seed = 0;

/// The library has caught a mistake of its own.
void handle_abort(int /*signal*/) {
  char text[64];
  const int size =
      std::snprintf(text, sizeof text, "sim: that was seed %llu\n", static_cast<unsigned long long>(current_seed));
  (void)!write(STDERR_FILENO, text, static_cast<std::size_t>(size));
}

void report(const Options& options, std::uint64_t seed, const Outcome& outcome) {
  std::fprintf(stderr, "\nseed %llu, step %llu: broken promise (%s)\n  %s\n\nthe stages:\n%s\nthe last steps:\n",
               static_cast<unsigned long long>(seed), static_cast<unsigned long long>(outcome.steps),
               std::string(to_string(outcome.complaint->kind)).c_str(), outcome.complaint->what.c_str(),
               outcome.plan.c_str());
  const auto& lines = outcome.last_steps;
  for (std::size_t i = lines.size() - std::min<std::size_t>(lines.size(), options.last); i < lines.size(); ++i) {
    std::fprintf(stderr, "  %s\n", lines[i].c_str());
  }
  std::string again = "sim --seed " + std::to_string(seed);
  if (options.steps != default_steps) again += " --steps " + std::to_string(options.steps);
  if (options.fault != Fault::none) again += " --fault " + options.fault_name;
  std::fprintf(stderr, "\nagain with: %s\n", again.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (const auto code = read(argc, argv, options)) return *code;
  std::signal(SIGABRT, handle_abort);
  std::atomic<std::uint64_t> next{options.first};
  std::atomic<std::uint64_t> done{0};
  std::atomic<std::uint64_t> events{0};
  std::atomic<bool> failed{false};
  std::mutex printing;
  Histogram histogram;
  const auto begin = galena::Clock::now();
  const auto work = [&] {
    while (options.keep_going || !failed) {
      const std::uint64_t seed = next++;
      if (seed - options.first >= options.seeds) return;
      current_seed = seed;
      const Outcome outcome = simulate(seed, options.steps, options.fault);
      events += outcome.events;
      const std::uint64_t count = ++done;
      const std::lock_guard lock(printing);
      if (outcome.complaint) {
        const bool first = !failed.exchange(true);
        if (options.keep_going) {
          histogram.add(seed, outcome.complaint->kind);
          std::fprintf(stderr, "seed %llu (%s): %s\n", static_cast<unsigned long long>(seed),
                       std::string(to_string(outcome.complaint->kind)).c_str(), outcome.complaint->what.c_str());
          continue;
        }
        if (first) report(options, seed, outcome);
        return;
      }
      if (options.seeds == 1) {
        std::printf("seed %llu: fine, trace %016llx\n", static_cast<unsigned long long>(seed),
                    static_cast<unsigned long long>(outcome.hash));
      }
      if (count % 100 == 0 && isatty(STDOUT_FILENO) != 0) {
        std::printf("\r%llu of %llu seeds", static_cast<unsigned long long>(count),
                    static_cast<unsigned long long>(options.seeds));
        std::fflush(stdout);
      }
    }
  };
  std::vector<std::thread> threads;
  for (std::uint64_t i = 1; i < options.jobs; ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  const double taken = galena::in_seconds(galena::Clock::now() - begin);
  std::printf("%s%llu seeds (%llu to %llu), %llu events, %.1f s, %.0f seeds a second: %s\n",
              isatty(STDOUT_FILENO) != 0 ? "\r" : "", static_cast<unsigned long long>(done.load()),
              static_cast<unsigned long long>(options.first),
              static_cast<unsigned long long>(options.first + done.load() - 1),
              static_cast<unsigned long long>(events.load()), taken, static_cast<double>(done.load()) / taken,
              failed ? "a promise was broken" : "fine");
  histogram.print();
  return failed ? 1 : 0;
}
