// SPDX-License-Identifier: Apache-2.0
#include "demo/roles.hpp"

#include <map>
#include <sstream>

#include <fmt/core.h>

#include "cli/exit_code.hpp"
#include "common/child.hpp"
#include "demo/readings.hpp"
#include "io/stop.hpp"

namespace galena::cli {

namespace {

constexpr Duration step = std::chrono::milliseconds(500);
constexpr Duration patience = std::chrono::seconds(5);

void print(std::string_view topic, const Reading& reading) {
  common::print_line(fmt::format("{:<20}{:>10.1f} {}", topic, reading.value, reading.unit));
}

void print_state(const Source& producer, State state) {
  if (state == State::connected) common::print_line("found " + producer.text());
}

/// Selected, as the publishing side counted it, for each who subscribed to it.
void report_publisher(const std::string& name, const ProducerStats& stats) {
  for (const LinkInfo& link : stats.subscribers) {
    common::print_line(to_line({link.consumer, name, static_cast<long long>(link.selected), -1, 0}));
  }
}

/// Delivered, as the subscribing side of one producer counted it.
void report_subscriber(const std::string& name, const std::string& producer, const ConsumerStats& stats) {
  const auto lost = stats.lost + stats.unknown_gaps + stats.mismatched;
  common::print_line(
      to_line({name, producer, -1, static_cast<long long>(stats.received), static_cast<long long>(lost)}));
}

void publish_readings(Producer<>& producer, const Stop& stop) {
  if (!producer.wait_for_subscribers(2, Duration::max())) return;
  Readings readings;
  readings.take();  // what follows tells the difference
  try {
    for (Time next = Clock::now() + step; !stop.wait_until(next); next += step) {
      for (const auto& [topic, reading] : readings.take()) producer.ingest(topic, reading);
    }
  } catch (const Error& error) {
    if (error.code() != ErrorCode::stopped) throw;
  }
}

void run_machine(Node& node, Stop& stop) {
  Producer producer(node, {.name = global(machine_role)});
  publish_readings(producer, stop);
  stop.settle();
  (void)producer.drain(patience);
  report_publisher(machine_role, producer.stats());
}

/// Of each topic the average of every four readings, and an alert when a reading is far above those before.
struct Digest {
  struct History {
    int count = 0;
    double usual = 0;
    double sum = 0;
  };
  std::map<std::string, History, std::less<>> histories = {};

  void handle_produce(std::string_view topic, const Reading& reading, Sink& out) {
    History& history = histories[std::string(topic)];
    const double margin = reading.unit == "%" ? 10 : 100;
    if (history.count >= 4 && reading.value > 1.5 * history.usual + margin) {
      out.emit("alert/" + std::string(topic), reading);
    }
    history.usual = history.count == 0 ? reading.value : 0.8 * history.usual + 0.2 * reading.value;
    history.sum += reading.value;
    if (++history.count % 4 == 0) {
      out.emit("average/" + std::string(topic), Reading{history.sum / 4, reading.unit});
      history.sum = 0;
    }
  }
};

void run_digest(Node& node, Stop& stop) {
  ProducerConsumer digest(
      node, Digest{},
      {.name = global(digest_role),
       .subscriptions = {{global(machine_role)}},
       .subscribe = {.on_state = [](const Source& producer, State state) { print_state(producer, state); }}});
  stop.wait_until(never);
  stop.settle();
  (void)digest.drain(patience);
  report_subscriber(digest_role, machine_role, digest.consumer_stats());
  report_publisher(digest_role, digest.producer_stats());
}

void run_consumer(Node& node, const Stop& stop, const std::string& name, const std::string& producer,
                  Selection topics) {
  Consumer consumer(node, [](std::string_view topic, const Reading& reading) { print(topic, reading); },
                    {.name = global(name),
                     .subscriptions = {{global(producer), std::move(topics)}},
                     .on_state = [](const Source& whom, State state) { print_state(whom, state); }});
  stop.wait_until(never);
  report_subscriber(name, producer, consumer.stats());
}

}  // namespace

std::string to_line(const SubscriptionReport& report) {
  return fmt::format("{}{} {} {} {} {}", report_mark, report.consumer, report.producer, report.selected,
                     report.delivered, report.lost);
}

SubscriptionReport subscription_report_from(const std::string& line) {
  std::istringstream words(line.substr(1));
  SubscriptionReport report;
  words >> report.consumer >> report.producer >> report.selected >> report.delivered >> report.lost;
  return report;
}

int run_demo_role(const DemoOptions& options) {
  common::die_with_parent();
  Stop stop;
  Node node(node_options(options.common));
  const Stop::Action stopping(stop, [&node] { node.stop(); });
  if (options.role == machine_role) {
    run_machine(node, stop);
  } else if (options.role == digest_role) {
    run_digest(node, stop);
  } else if (options.role == dashboard_role) {
    std::vector<Topic> topics(options.topics.begin(), options.topics.end());
    run_consumer(node, stop, dashboard_role, machine_role, Selection(topics));
  } else if (options.role == watch_role) {
    run_consumer(node, stop, watch_role, digest_role, {prefix("average/"), prefix("alert/")});
  } else {
    throw UsageError("demo: there is no role '" + options.role + "'");
  }
  return exit_ok;
}

}  // namespace galena::cli
