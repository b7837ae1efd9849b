// SPDX-License-Identifier: Apache-2.0
#include "bench_galena.hpp"
#include "bench_gate.hpp"
#include "bench_meter.hpp"
#include "bench_relay.hpp"
#include "bench_roles.hpp"

namespace galena::cli {

namespace {

struct Passer {
  RelayWatch* watch;

  EventView handle_produce(const EventView& event) {
    watch->note(event.payload);
    return event;
  }
};

struct Transformer {
  RelayWatch* watch;
  std::string changed = {};

  EventView handle_produce(std::string_view topic, std::string_view message) {
    watch->note(message);
    transform_message(message, 0, changed);
    return {topic, changed};
  }
};

template <class H>
void relay_by(H handler, RelayWatch& watch, Node& node, const Room::Desk& desk, const BenchTask& task) {
  constexpr Duration patience = std::chrono::milliseconds(bench_patience_ms);
  ProducerConsumer relay(node, std::move(handler),
                         {.name = global(relay_name), .subscriptions = {{global(producer_name(0))}}});
  desk.ready(task.peer);
  if (!watch.wait_for_last(bench_patience(task))) throw Error(ErrorCode::timeout, "the last event did not come");
  relay.stop_input();
  if (!relay.drain(patience)) throw Error(ErrorCode::timeout, "the consumers did not take everything");
  desk.report(watch.report());
  desk.wait();
}

}  // namespace

void galena_relay(Room& room, const Room::Desk& desk, const BenchTask& task) {
  RelayWatch watch;
  if (task.shape.relay == Relay::pass) {
    relay_by(Passer{&watch}, watch, room.node(), desk, task);
  } else {
    relay_by(Transformer{&watch}, watch, room.node(), desk, task);
  }
}

}  // namespace galena::cli
