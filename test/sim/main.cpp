// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "world.hpp"

namespace {

using namespace galena::sim;

constexpr const char* help = R"(usage: sim [OPTION...]

Runs producers, relays and consumers through breaking links, crashes, pauses and full buffers, in one thread under a
schedule that a seed decides, and checks after each step what they promise. The same seed is the same run.

  --seeds N       run N seeds (default 1000)
  --first N       beginning with this one (default 1)
  --seed S        run this one alone
  --steps N       steps with mishaps in each run (default 1500)
  --jobs N        as many seeds at once (default 1)
  --last N        of a run that fails, show so many steps (default 40)
  --fault NAME    make a deliberate mistake, to see that it is caught
  --list-faults   which there are
  --help          this text

Ends with 0 if all is well, 1 if a promise was broken, 2 if an option makes no sense.

examples:
  sim --seeds 100000 --jobs 2
  sim --seed 4711
  sim --fault early-acknowledge --seeds 50
)";

struct Options {
  std::uint64_t first = 1;
  std::uint64_t seeds = 1000;
  std::uint64_t steps = default_steps;
  std::uint64_t jobs = 1;
  std::uint64_t last = 40;
  Fault fault = Fault::none;
  std::string fault_name;
};

[[noreturn]] void refuse(const std::string& what) {
  std::fprintf(stderr, "sim: %s; `sim --help` says what there is\n", what.c_str());
  std::exit(2);
}

std::uint64_t number(std::string_view name, std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) refuse(std::string(name) + " needs a number");
  return value;
}

Options read(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--help" || name == "-h") {
      std::fputs(help, stdout);
      std::exit(0);
    }
    if (name == "--list-faults") {
      for (const FaultInfo& fault : faults) {
        std::printf("%-18s %s (caught as: %s)\n", std::string(fault.name).c_str(), std::string(fault.what).c_str(),
                    std::string(to_string(fault.caught_as)).c_str());
      }
      std::exit(0);
    }
    if (i + 1 >= argc) refuse("'" + std::string(name) + "' is not an option, or lacks its value");
    const std::string_view value = argv[++i];
    if (name == "--seeds") {
      options.seeds = number(name, value);
    } else if (name == "--first") {
      options.first = number(name, value);
    } else if (name == "--seed") {
      options.first = number(name, value);
      options.seeds = 1;
    } else if (name == "--steps") {
      options.steps = number(name, value);
    } else if (name == "--jobs") {
      options.jobs = number(name, value);
    } else if (name == "--last") {
      options.last = number(name, value);
    } else if (name == "--fault") {
      options.fault_name = value;
      for (const FaultInfo& fault : faults) {
        if (fault.name == value) options.fault = fault.fault;
      }
      if (options.fault == Fault::none) refuse("there is no fault '" + std::string(value) + "' (--list-faults)");
    } else {
      refuse("'" + std::string(name) + "' is not an option");
    }
  }
  if (options.jobs == 0) refuse("--jobs needs at least 1");
  return options;
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
  const Options options = read(argc, argv);
  std::signal(SIGABRT, handle_abort);
  std::atomic<std::uint64_t> next{options.first};
  std::atomic<std::uint64_t> done{0};
  std::atomic<std::uint64_t> events{0};
  std::atomic<bool> failed{false};
  std::mutex printing;
  const auto begin = galena::Clock::now();
  const auto work = [&] {
    while (!failed) {
      const std::uint64_t seed = next++;
      if (seed - options.first >= options.seeds) return;
      current_seed = seed;
      const Outcome outcome = simulate(seed, options.steps, options.fault);
      events += outcome.events;
      const std::uint64_t count = ++done;
      const std::lock_guard lock(printing);
      if (outcome.complaint) {
        if (!failed.exchange(true)) report(options, seed, outcome);
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
  const double taken = galena::seconds(galena::Clock::now() - begin);
  std::printf("%s%llu seeds (%llu to %llu), %llu events, %.1f s, %.0f seeds a second: %s\n",
              isatty(STDOUT_FILENO) != 0 ? "\r" : "", static_cast<unsigned long long>(done.load()),
              static_cast<unsigned long long>(options.first),
              static_cast<unsigned long long>(options.first + done.load() - 1),
              static_cast<unsigned long long>(events.load()), taken, static_cast<double>(done.load()) / taken,
              failed ? "a promise was broken" : "fine");
  return failed ? 1 : 0;
}
