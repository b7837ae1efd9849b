// SPDX-License-Identifier: Apache-2.0
#include "demo/demo.hpp"

#include <poll.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include <fmt/format.h>

#include "cli/common.hpp"
#include "cli/exit_code.hpp"
#include "common/child.hpp"
#include "demo/readings.hpp"
#include "demo/roles.hpp"
#include "io/stop.hpp"

namespace galena::cli {

namespace {

/// A role that takes longer to drain is killed.
constexpr Duration end_within = std::chrono::seconds(12);

/// The first core, the memory, the first interface: what there is of them.
std::vector<std::string> exact_topics() {
  std::vector<std::string> topics;
  const Readings::Values values = Readings().take();
  for (const std::string_view start : {"cpu/", "memory", "net/"}) {
    for (const auto& [topic, reading] : values) {
      if (!topic.starts_with(start)) continue;
      topics.push_back(topic);
      break;
    }
  }
  return topics;
}

/// The four processes, and what they said.
class Demo {
 public:
  Demo(DemoOptions options, std::vector<std::string> topics)
      : options_(std::move(options)), topics_(std::move(topics)) {}

  int run();

 private:
  struct Process {
    std::string role;
    std::unique_ptr<common::Child> child;
  };

  void print_shape() const;
  void start(const char* role);
  /// Prints what the processes say until `deadline`; with `until_stop`, also until a stop is requested. Returns the
  /// process that ended meanwhile, or nullptr.
  Process* follow(Time deadline, bool until_stop);
  void hear(Process& process);
  void record(const SubscriptionReport& report);
  bool end(const char* role);
  int print_table() const;

  DemoOptions options_;
  std::vector<std::string> topics_;
  Stop stop_;
  std::vector<Process> processes_;
  std::vector<SubscriptionReport> reports_;
};

int Demo::run() {
  print_shape();
  // Consumers first: they wait for their producers.
  for (const char* role : {watch_role, dashboard_role, digest_role, machine_role}) start(role);
  const auto time = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(options_.seconds));
  if (const Process* gone = follow(options_.forever ? never : Clock::now() + time, true)) {
    say("demo: " + gone->role + " ended too early");
    return exit_error;
  }
  fmt::print("draining, from the source down\n");
  bool fine = true;
  for (const char* role : {machine_role, digest_role, dashboard_role, watch_role}) fine = end(role) && fine;
  const int code = print_table();
  return fine ? code : exit_error;
}

void Demo::print_shape() const {
  const std::string exact = joined(topics_, ", ");
  fmt::print("Four processes of domain {}, which know of each other nothing but names:\n\n", options_.common.domain);
  fmt::print("  machine --[ {} ]--> dashboard\n", exact);
  fmt::print("     |\n");
  fmt::print("     +--[ everything ]--> digest --[ average/*, alert/* ]--> watch\n\n");
  fmt::print("machine publishes this machine's readings from /proc, digest makes averages and alerts of them,\n");
  fmt::print("dashboard selects exact topics, watch selects by prefix.\n\n");
  std::fflush(stdout);
}

void Demo::start(const char* role) {
  std::vector<std::string> words{"demo", "--role", role, "--domain", options_.common.domain};
  const auto pass_on = [&words](const char* option, const std::string& value) {
    if (!value.empty()) words.insert(words.end(), {option, value});
  };
  pass_on("--interface", options_.common.interface);
  pass_on("--names", joined(options_.common.names, ","));
  for (int i = 0; i < options_.common.verbosity; ++i) words.emplace_back("-v");
  for (const std::string& topic : topics_) pass_on("--topic", topic);
  processes_.push_back({role, std::make_unique<common::Child>(words)});
}

void Demo::hear(Process& process) {
  process.child->read_output();
  while (const auto line = process.child->next_line()) {
    if (line->starts_with(report_mark)) {
      record(subscription_report_from(*line));
    } else {
      fmt::print("{:<11}{}\n", process.role, *line);
    }
  }
  std::fflush(stdout);
}

Demo::Process* Demo::follow(Time deadline, bool until_stop) {
  for (;;) {
    if (Clock::now() >= deadline || (until_stop && stop_.requested())) return nullptr;
    std::vector<pollfd> events{{until_stop ? stop_.fd() : -1, POLLIN, 0}};
    for (const Process& process : processes_) events.push_back({process.child->descriptor(), POLLIN, 0});
    poll(events.data(), events.size(), poll_timeout(deadline));
    for (Process& process : processes_) {
      hear(process);
      if (process.child->finished()) return &process;
    }
  }
}

void Demo::record(const SubscriptionReport& report) {
  const auto known = std::find_if(reports_.begin(), reports_.end(), [&](const SubscriptionReport& other) {
    return other.consumer == report.consumer && other.producer == report.producer;
  });
  SubscriptionReport& entry = known == reports_.end() ? reports_.emplace_back(report) : *known;
  entry.selected = std::max(entry.selected, report.selected);
  entry.delivered = std::max(entry.delivered, report.delivered);
  entry.lost = std::max(entry.lost, report.lost);
}

/// Asks that process to end, and waits until it has. False if it did not, or not well.
bool Demo::end(const char* role) {
  const auto it = std::find_if(processes_.begin(), processes_.end(),
                               [role](const Process& process) { return process.role == role; });
  it->child->terminate();
  const Process* ended = follow(Clock::now() + end_within, false);
  if (ended == nullptr) say(fmt::format("demo: {} did not end within {:.0f} s", role, in_seconds(end_within)));
  const bool fine = ended == &*it && it->child->exit_code() == 0;
  if (ended != nullptr && !fine) say("demo: " + ended->role + " failed");
  processes_.erase(it);
  return fine;
}

int Demo::print_table() const {
  fmt::print("\n{:<24}{:<30}{:>9}{:>11}{:>6}\n", "subscription", "topics", "selected", "delivered", "lost");
  long long delivered = 0;
  long long lost = 0;
  bool complete = reports_.size() == 3;
  for (const SubscriptionReport& report : reports_) {
    const bool exact = report.consumer == dashboard_role;
    const std::string topics = exact                           ? joined(topics_, ", ")
                               : report.consumer == watch_role ? "average/*, alert/*"
                                                               : "everything";
    const long long missing = std::max(report.lost, report.selected - report.delivered);
    fmt::print("{:<24}{:<30}{:>9}{:>11}{:>6}\n", report.consumer + " <- " + report.producer, topics, report.selected,
               report.delivered, missing);
    complete = complete && report.selected >= 0 && report.delivered >= 0;
    delivered += std::max(0LL, report.delivered);
    lost += std::max(0LL, missing);
  }
  if (!complete) say("demo: not every process has told what it counted");
  fmt::print("demo: {} delivered, {} lost\n", delivered, lost);
  std::fflush(stdout);
  if (!complete || delivered == 0) return exit_error;
  return lost > 0 ? exit_lost : exit_ok;
}

}  // namespace

int run_demo(const DemoOptions& options) {
  if (!options.role.empty()) return run_demo_role(options);
  DemoOptions own = options;
  if (own.common.domain.empty()) own.common.domain = "demo-" + Id::random().brief();
  std::vector<std::string> topics = exact_topics();
  if (topics.empty()) throw Error(ErrorCode::system, "demo: there is nothing to read in /proc");
  return Demo(std::move(own), std::move(topics)).run();
}

}  // namespace galena::cli
