// SPDX-License-Identifier: Apache-2.0
#include <thread>

#include "run/gate.hpp"
#include "run/meter.hpp"
#include "run/roles.hpp"
#include "systems/galena.hpp"
#include "systems/relay.hpp"

namespace galena::bench {

namespace {

struct Transformer {
  RelayWatch* watch;
  std::string changed = {};

  EventView handle_produce(std::string_view topic, std::string_view message) {
    watch->record(message);
    transform_message(message, 0, changed);
    return {topic, changed};
  }
};

template <class H>
void relay_by(H handler, RelayWatch& watch, Node& node, const Room::Desk& desk, const Task& task) {
  constexpr Duration patience = std::chrono::milliseconds(patience_ms);
  ProducerConsumer relay(node, std::move(handler),
                         {.name = global(relay_name), .subscriptions = {{global(producer_name(0))}}});
  desk.ready(task.peer);
  if (!watch.wait_for_last(patience_with(task))) throw Error(ErrorCode::timeout, "the last event did not come");
  relay.stop_input();
  if (!relay.drain(patience)) throw Error(ErrorCode::timeout, "the consumers did not take everything");
  desk.report(watch.report());
  desk.wait();
}

/// A relay that takes nothing apart does not see the last event. So it counts the time from the first one until nothing
/// came for a while and nothing is left.
void pass_on(Node& node, const Room::Desk& desk, const Task& task) {
  constexpr Duration quiet = std::chrono::milliseconds(300);
  ProducerConsumer relay(node, PassThrough{},
                         {.name = global(relay_name), .subscriptions = {{global(producer_name(0))}}});
  desk.ready(task.peer);
  const Time deadline = Clock::now() + patience_with(task);
  std::uint64_t received = 0;
  Time changed = Clock::now();
  double cpu_first = 0;
  double cpu_last = 0;
  while (received == 0 || Clock::now() - changed < quiet || relay.producer_stats().outstanding > 0) {
    if (Clock::now() > deadline) throw Error(ErrorCode::timeout, "events did not come, or were not taken");
    std::this_thread::sleep_for(std::chrono::milliseconds(received == 0 ? 1 : 10));
    const std::uint64_t now = relay.consumer_stats().received;
    if (now == received) continue;
    if (received == 0) cpu_first = cpu_seconds();
    cpu_last = cpu_seconds();
    received = now;
    changed = Clock::now();
  }
  Report report;
  report.cpu_seconds = report.relay_cpu_seconds = cpu_last - cpu_first;
  desk.report(report);
  desk.wait();
}

}  // namespace

void galena_relay(Room& room, const Room::Desk& desk, const Task& task) {
  if (task.shape.relay == Relay::pass) {
    pass_on(room.node(), desk, task);
    return;
  }
  RelayWatch watch;
  relay_by(Transformer{&watch}, watch, room.node(), desk, task);
}

}  // namespace galena::bench
