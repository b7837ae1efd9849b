// SPDX-License-Identifier: Apache-2.0
// What a process costs whose stages have nothing to do.
#include <unistd.h>

#include <fstream>
#include <thread>

#include "run/gate.hpp"
#include "run/meter.hpp"
#include "run/roles.hpp"
#include "systems/galena.hpp"

namespace galena::bench {

namespace {

/// Resident memory of this process, what it shares with others included.
double rss_bytes() {
  std::ifstream file("/proc/self/statm");
  double all = 0;
  double resident = 0;
  file >> all >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

struct Counter {
  Gate* gate;

  void handle_consume(std::string_view, std::string_view) { gate->arrive(); }
};

}  // namespace

void galena_idle(Room& room, const Room::Desk& desk, const Task& task) {
  const std::uint64_t pairs = task.shape.idle_pairs;
  std::vector<std::unique_ptr<Producer<>>> producers;
  std::vector<std::unique_ptr<Consumer<Counter>>> consumers;
  Report report;
  if (pairs == 0) {
    producers.push_back(std::make_unique<Producer<>>(room.node(), ProducerOptions{.name = global(producer_name(0))}));
  }
  // Each pair is connected: one event went from end to end.
  Gate gate(pairs);
  for (std::uint64_t i = 0; i < pairs; ++i) {
    producers.push_back(std::make_unique<Producer<>>(room.node(), ProducerOptions{}));
    consumers.push_back(std::make_unique<Consumer<Counter>>(room.node(), Counter{&gate},
                                                            ConsumerOptions{.subscriptions = {{*producers.back()}}}));
    producers.back()->ingest("topic", "message");
    ++report.sent;
  }
  if (pairs > 0 && !gate.wait_for(std::chrono::milliseconds(patience_ms))) {
    throw Error(ErrorCode::timeout, "the consumers did not get their events");
  }
  report.received = report.sent;

  std::this_thread::sleep_for(std::chrono::milliseconds(300));  // what starting left to do
  const double cpu = cpu_seconds();
  const Time start = Clock::now();
  std::this_thread::sleep_for(std::chrono::duration<double>(task.shape.seconds));
  report.core_percent = 100 * (cpu_seconds() - cpu) / in_seconds(Clock::now() - start);
  report.rss_bytes = rss_bytes();
  desk.report(report);
  desk.wait();
}

}  // namespace galena::bench
