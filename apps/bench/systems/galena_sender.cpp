// SPDX-License-Identifier: Apache-2.0
#include "run/pace.hpp"
#include "run/roles.hpp"
#include "systems/galena.hpp"

namespace galena::bench {

namespace {

constexpr Duration sender_patience = std::chrono::milliseconds(patience_ms);
/// Twice as often as its consumer can take them.
constexpr Duration slow_pause = std::chrono::milliseconds(5);

/// The producer's handler: makes an event of a ticket.
struct Maker {
  std::vector<std::string> topics;
  std::string message;

  EventView handle_produce(const Ticket& ticket) {
    stamp(message.data(), ticket.word, ticket.time);
    return {topics[ticket.topic], message};
  }
};

struct TypedMaker {
  std::vector<std::string> topics;
  Measurement measurement{0, 0, "room/kitchen", 21.5, 0.45};

  void handle_produce(const Ticket& ticket, Sink& out) {
    measurement.word = ticket.word;
    measurement.time = ticket.time;
    out.emit(topics[ticket.topic], measurement);
  }
};

/// A producer-consumer's: stamps and emits an event whenever it is given a word.
struct Stamper {
  Maker maker;

  EventView handle_produce(std::string_view, std::string_view word) {
    Ticket ticket(0, nanoseconds_now(), 0);
    std::memcpy(&ticket.word, word.data(), sizeof ticket.word);
    return maker.handle_produce(ticket);
  }
};

/// What all senders do: `stage` publishes what `ingest` is given, and `drain` says whether all of it was taken.
template <class S, class Ingest, class Drain>
void send_by(S& stage, const Room::Desk& desk, const Task& task, Ingest ingest, Drain drain) {
  const Shape& shape = task.shape;
  const std::uint64_t subscribers = shape.relay != Relay::none ? 1 : shape.consumers() + (shape.slow_sibling ? 1 : 0);
  if (!stage.wait_for_subscribers(subscribers, sender_patience)) {
    throw Error(ErrorCode::timeout, "the consumers did not come");
  }
  const double cpu = cpu_seconds();
  Report report;
  std::uint64_t slow = 0;
  Time slow_due = Clock::now();
  const auto send_slow = [&](std::uint64_t flags) {
    ingest(Ticket(slow++ | slow_source << source_shift | flags, 0, shape.topics));
  };
  report.sent = Pace(task, ingest).run([&](Time now) {
    for (; shape.slow_sibling && slow_due <= now; slow_due += slow_pause) send_slow(0);
  });
  if (shape.slow_sibling) send_slow(last_event);
  report.sent += slow;
  if (!drain()) throw Error(ErrorCode::timeout, "the consumers did not take everything");
  report.cpu_seconds = cpu_seconds() - cpu;
  desk.report(report);
  desk.wait();
}

template <class H>
void send_with(H handler, Node& node, const Room::Desk& desk, const Task& task) {
  Producer producer(node, std::move(handler), {.name = global(producer_name(task.index))});
  send_by(
      producer, desk, task, [&](const Ticket& ticket) { producer.ingest(ticket); },
      [&] { return producer.drain(patience_with(task)); });
}

/// Another stage of the same node says when, so that the event is emitted on the thread of the one that sends it.
void send_on_own_thread(Maker maker, Node& node, const Room::Desk& desk, const Task& task) {
  Producer trigger(node);
  ProducerConsumer stamper(node, Stamper{std::move(maker)},
                           {.name = global(producer_name(task.index)), .subscriptions = {{trigger}}});
  send_by(
      stamper, desk, task,
      [&](const Ticket& ticket) {
        trigger.ingest("now", std::string_view(reinterpret_cast<const char*>(&ticket.word), sizeof ticket.word));
      },
      [&] {
        if (!trigger.drain(patience_with(task))) return false;
        stamper.stop_input();
        return stamper.drain(patience_with(task));
      });
}

}  // namespace

void galena_send(Room& room, const Room::Desk& desk, const Task& task) {
  const std::vector<std::string> topics = topic_names(task.shape);
  if (task.shape.typed) {
    send_with(TypedMaker{topics}, room.node(), desk, task);
    return;
  }
  Maker maker{topics, std::string(task.shape.bytes, 'x')};
  if (task.shape.own_thread) {
    send_on_own_thread(std::move(maker), room.node(), desk, task);
  } else {
    send_with(std::move(maker), room.node(), desk, task);
  }
}

}  // namespace galena::bench
