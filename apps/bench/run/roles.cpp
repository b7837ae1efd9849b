// SPDX-License-Identifier: Apache-2.0
#include "run/roles.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "common/child.hpp"
#include "galena/error.hpp"
#include "run/gate.hpp"

namespace galena::bench {

namespace {

using PartOf = void (*)(Room& room, const Room::Desk& desk, const Task& task);

/// What sends and what receives, in the order of System.
struct Ends {
  PartOf send;
  PartOf receive;
};
constexpr std::array<Ends, 6> ends = {{{galena_send, galena_receive},
                                       {raw_send, raw_receive},
                                       {pubsub_send, pubsub_receive},
                                       {tcp_send, tcp_receive},
                                       {broker_send, broker_receive},
                                       {broker_send, broker_receive}}};

PartOf part_of(const Task& task) {
  const Ends& of_system = ends.at(static_cast<std::size_t>(task.shape.system));
  switch (task.part) {
    case Part::send:
      return of_system.send;
    case Part::receive:
    case Part::slow:
      return of_system.receive;
    case Part::relay:
      return task.shape.system == System::galena ? galena_relay : raw_relay;
    case Part::proxy:
      return delay_proxy;
    case Part::server:
      return broker_serve;
    case Part::idle:
    case Part::all:
      break;
  }
  return galena_idle;
}

void fail_part(const Task& task, const std::exception& error) {
  fmt::print(stderr, "galena-bench: {} {}: {}\n", to_string(task.shape.system), to_string(task.part), error.what());
}

/// The parts of a run on threads of this process, one after the other as they are ready.
class Company {
 public:
  explicit Company(const Task& task)
      : task_(task),
        room_(task),
        done_(task.shape.receivers + task.shape.senders + (task.shape.relay != Relay::none ? 1 : 0) +
              (task.shape.slow_sibling ? 1 : 0)) {}

  Report run() {
    std::string peers;
    for (std::uint64_t i = 0; i < task_.shape.receivers; ++i) {
      peers += (peers.empty() ? "" : ",") + start(Part::receive, i, task_.peer);
    }
    if (task_.shape.slow_sibling) start(Part::slow, 0, task_.peer);
    if (task_.shape.relay != Relay::none) peers = start(Part::relay, 0, peers);
    for (std::uint64_t i = 0; i < task_.shape.senders; ++i) start(Part::send, i, peers);
    for (std::thread& thread : threads_) thread.join();
    return total_;
  }

 private:
  /// Returns where it is found, when it is ready.
  std::string start(Part part, std::uint64_t index, const std::string& peer) {
    const auto ready = std::make_shared<std::promise<std::string>>();
    Task task{task_.shape, part, peer, index};
    threads_.emplace_back([this, task, part, ready] {
      const Room::Desk desk{[ready](const std::string& where) { ready->set_value(where); },
                            [this, part](const Report& report) { add(part, report); }, [this] { done_.wait(); }};
      try {
        part_of(task)(room_, desk, task);
      } catch (const std::exception& error) {
        fail_part(task, error);
        _exit(1);
      }
    });
    return part == Part::send ? "" : ready->get_future().get();
  }

  /// Time of the processor is that of the process, in which the receivers see the first and the last event.
  void add(Part part, const Report& report) {
    {
      const std::lock_guard lock(mutex_);
      total_.sent += report.sent;
      total_.received += report.received;
      total_.rate += report.rate;
      if (part == Part::receive) {
        total_.cpu_seconds = std::max(total_.cpu_seconds, report.cpu_seconds);
        total_.p50_us = report.p50_us;
        total_.p99_us = report.p99_us;
        total_.p999_us = report.p999_us;
      }
    }
    done_.arrive();
  }

  Task task_;
  Room room_;
  std::mutex mutex_;
  Report total_;
  Gate done_;
  std::vector<std::thread> threads_;
};

}  // namespace

int run_role(const Task& task) {
  common::die_with_parent();
  unsetenv("GALENA_NAMES");  // nobody but this host's own name service is asked
  try {
    if (task.part == Part::all) {
      common::print_line(to_line(Company(task).run()));
      pause();
      return 0;
    }
    Room room(task);
    const Room::Desk desk{[](const std::string& peer) { common::print_line("ready " + peer); },
                          [](const Report& report) { common::print_line(to_line(report)); }, [] { pause(); }};
    part_of(task)(room, desk, task);
  } catch (const std::exception& error) {
    fail_part(task, error);
    return 1;
  }
  return 0;
}

}  // namespace galena::bench
