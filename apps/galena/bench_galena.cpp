// SPDX-License-Identifier: Apache-2.0
#include <galena/galena.hpp>

#include "bench_meter.hpp"
#include "bench_roles.hpp"

namespace galena::cli {

namespace {

/// On the loopback interface alone, and without a name service that other machines can see.
NodeOptions options_for(const BenchTask& task) { return {.domain = task.peer, .interface = "lo"}; }

/// The producer's handler: makes an event of a number.
struct Maker {
  std::string message;
  bool with_time = false;

  EventView handle_produce(std::uint64_t word) {
    stamp(message.data(), word, with_time);
    return {bench_topic, message};
  }
};

/// The consumer's handler.
struct Taker {
  Meter* meter;
  Node* node;

  void handle_consume(std::string_view, std::string_view message) {
    if (!meter->take(message)) node->stop();
  }
};

}  // namespace

void galena_send(const BenchTask& task) {
  Node node(options_for(task));
  Producer producer(node, Maker{std::string(task.bytes, 'x'), task.rate > 0}, {.name = global("bench")});
  if (!producer.wait_for_subscribers(1, std::chrono::milliseconds(bench_patience_ms))) {
    throw Error(ErrorCode::timeout, "the consumer did not come");
  }
  const double cpu = cpu_seconds();
  BenchReport report;
  report.events = send_events(task, [&](std::uint64_t word) { producer.ingest(word); });
  if (!producer.drain(std::chrono::milliseconds(bench_patience_ms))) {
    throw Error(ErrorCode::timeout, "the consumer did not take everything");
  }
  report.cpu_seconds = cpu_seconds() - cpu;
  say_report(report);
  node.run();
}

void galena_receive(const BenchTask& task) {
  Node node(options_for(task));
  Meter meter(task);
  Subscription subscription{global("bench"), task.selects ? Topics{bench_topic} : Topics{}};
  if (task.window > 0) subscription.max_bytes = task.window;
  Consumer consumer(node, Taker{&meter, &node}, {.subscriptions = {subscription}});
  say_ready(task.peer);
  node.run_for(std::chrono::milliseconds(bench_patience_ms + static_cast<int>(task.seconds * 2000)));
  if (!meter.complete()) throw Error(ErrorCode::timeout, meter.problem());
  say_report(meter.report());
  node.run();
}

}  // namespace galena::cli
