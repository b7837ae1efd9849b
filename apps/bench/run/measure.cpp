// SPDX-License-Identifier: Apache-2.0
#include "run/measure.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <fstream>
#include <sstream>

#include "common/child.hpp"
#include "galena/error.hpp"
#include "galena/id.hpp"
#include "run/roles.hpp"

namespace galena::bench {

namespace {

/// What another process has used of the processor so far, in seconds.
double cpu_seconds_of(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/stat");
  std::string line;
  std::getline(file, line);
  // The name in brackets may contain anything; user and system time are the 12th and 13th fields behind it.
  std::istringstream fields(line.substr(std::min(line.size(), line.rfind(')') + 1)));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  double user = 0;
  double system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

std::vector<std::string> command_for(const Task& task) {
  std::vector<std::string> words{"--role"};
  for (std::string& word : to_words(task)) words.push_back(std::move(word));
  return words;
}

/// The processes of one run, and what they say.
class Run {
 public:
  explicit Run(const Shape& shape)
      : shape_(shape),
        deadline_(Clock::now() + std::chrono::milliseconds(2 * patience_ms + static_cast<int>(shape.seconds * 3000))) {}

  Report result() {
    start_all("bench-" + Id::random().hex());
    Report total;
    for (One& one : members_) {
      if (one.task.part != Part::proxy && one.task.part != Part::server) add(total, one);
    }
    if (!server_pid_.empty()) total.cpu_seconds += cpu_seconds_of(server_pid_) - server_cpu_;
    check_counts(total);
    return total;
  }

 private:
  struct One {
    Task task;
    common::Child child;

    explicit One(const Task& its_task) : task(its_task), child(command_for(its_task)) {}
  };

  void start_all(std::string peer) {
    if (shape_.idle || shape_.transport == Transport::inproc) {
      start(shape_.idle ? Part::idle : Part::all, 0, peer);
      return;
    }
    if (shape_.system == System::nats || shape_.system == System::redis) peer = start_server(peer);
    std::string peers;
    for (std::uint64_t i = 0; i < shape_.receivers; ++i) start(Part::receive, i, peer);
    if (shape_.slow_sibling) start(Part::slow, 0, peer);
    for (One& one : members_) {
      if (one.task.part != Part::receive && one.task.part != Part::slow) continue;
      const std::string where = ready_of(one);
      if (shape_.system == System::pubsub && !peers.empty()) {
        peers += "," + where;
      } else {
        peers = where;
      }
    }
    if (shape_.relay != Relay::none) peers = ready_of(start(Part::relay, 0, peers));
    if (shape_.delay_us > 0) peers = ready_of(start(Part::proxy, 0, peers));
    for (std::uint64_t i = 0; i < shape_.senders; ++i) start(Part::send, i, peers);
  }

  One& start(Part part, std::uint64_t index, const std::string& peer) {
    return members_.emplace_back(Task{shape_, part, peer, index});
  }

  std::string start_server(const std::string& peer) {
    const std::string ready = ready_of(start(Part::server, 0, peer));
    const std::size_t space = ready.find(' ');
    server_pid_ = ready.substr(space + 1);
    server_cpu_ = cpu_seconds_of(server_pid_);
    return ready.substr(0, space);
  }

  std::string line_of(One& one) const {
    if (auto line = one.child.wait_for_line(deadline_)) return *line;
    const std::string who = fmt::format("{}'s {}", to_string(shape_.system), to_string(one.task.part));
    throw one.child.finished() ? Error(ErrorCode::handler, who + " failed")
                               : Error(ErrorCode::timeout, who + " did not finish in time");
  }
  std::string ready_of(One& one) const {
    const std::string line = line_of(one);
    return line.substr(std::min(line.size(), line.find(' ') + 1));
  }

  void add(Report& total, One& one) const {
    std::string line = line_of(one);
    if (line.starts_with("ready ")) line = line_of(one);  // of a part that nobody waited for
    const Report report = report_from(line);
    total.sent += report.sent;
    total.received += report.received;
    total.rate += report.rate;
    total.cpu_seconds += report.cpu_seconds;
    total.relay_cpu_seconds += report.relay_cpu_seconds;
    total.p50_us = std::max(total.p50_us, report.p50_us);
    total.p99_us = std::max(total.p99_us, report.p99_us);
    total.p999_us = std::max(total.p999_us, report.p999_us);
    total.core_percent += report.core_percent;
    total.rss_bytes += report.rss_bytes;
  }

  void check_counts(const Report& total) const {
    const std::uint64_t expected = shape_.divided ? total.sent : total.sent * shape_.consumers();
    if (total.received == expected) return;
    throw Error(ErrorCode::handler, fmt::format("{}: {} events should have arrived, and {} did",
                                                to_string(shape_.system), expected, total.received));
  }

  Shape shape_;
  Time deadline_;
  std::deque<One> members_;  // which stay where they are
  std::string server_pid_;
  double server_cpu_ = 0;
};

}  // namespace

Report measure(const Shape& shape) { return Run(shape).result(); }

}  // namespace galena::bench
