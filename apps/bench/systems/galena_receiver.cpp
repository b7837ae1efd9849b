// SPDX-License-Identifier: Apache-2.0
#include <thread>

#include <fmt/core.h>

#include "run/gate.hpp"
#include "run/pace.hpp"
#include "run/roles.hpp"
#include "systems/galena.hpp"

namespace galena::bench {

namespace {

struct Taker {
  Meter* meter;
  Gate* gate;

  void handle_consume(std::string_view, std::string_view message) {
    if (!meter->take(message)) gate->arrive(meter->complete());
  }
};

struct TypedTaker {
  Meter* meter;
  Gate* gate;

  void handle_consume(std::string_view, const Measurement& measurement) {
    if (!meter->take(measurement.word, measurement.time)) gate->arrive(meter->complete());
  }
};

struct SlowTaker {
  Taker taker;

  void handle_consume(std::string_view topic, std::string_view message) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    taker.handle_consume(topic, message);
  }
};

/// What the consumer with this number selects.
Selection topics_for(const Task& task, std::uint64_t consumer) {
  const Shape& shape = task.shape;
  std::vector<Topic> topics;
  if (task.part == Part::slow) return {slow_topic};
  if (shape.take == Take::topics) {
    for (std::uint64_t i = shape.divided ? consumer : 0; i < shape.topics; i += shape.stride()) {
      topics.emplace_back(topic_name(i));
    }
  }
  if (shape.take == Take::prefixes) {  // each of those topics whose names differ in the last digit alone
    for (std::uint64_t i = 0; i < shape.prefixes; ++i) topics.push_back(prefix(fmt::format("bench/{:03}", i)));
  }
  return Selection(topics);
}

std::vector<Subscription> subscriptions_for(const Task& task, std::uint64_t consumer) {
  const Shape& shape = task.shape;
  std::vector<std::string> names;
  if (shape.relay != Relay::none) {
    names.emplace_back(relay_name);
  } else if (shape.delay_us > 0) {
    names.emplace_back(far_name);
  } else {
    for (std::uint64_t i = 0; i < shape.senders; ++i) names.push_back(producer_name(i));
  }
  std::vector<Subscription> subscriptions;
  for (const std::string& name : names) {
    subscriptions.push_back({global(name), topics_for(task, consumer)});
    if (shape.window > 0) subscriptions.back().max_bytes = shape.window;
  }
  return subscriptions;
}

template <class H, class Make>
void receive_with(Make make, Room& room, const Room::Desk& desk, const Task& task) {
  Gate gate(task.shape.links);
  std::vector<std::unique_ptr<Meter>> meters;
  std::vector<std::unique_ptr<Consumer<H>>> consumers;
  for (std::uint64_t link = 0; link < task.shape.links; ++link) {
    const std::uint64_t number = task.index * task.shape.links + link;
    meters.push_back(std::make_unique<Meter>(task, number));
    consumers.push_back(
        std::make_unique<Consumer<H>>(room.node(), make(meters.back().get(), &gate),
                                      ConsumerOptions{.subscriptions = subscriptions_for(task, number)}));
  }
  desk.ready(task.peer);
  gate.wait_for(patience_with(task));
  for (const auto& meter : meters) {
    if (!meter->complete()) throw Error(ErrorCode::timeout, meter->problem());
  }
  desk.report(Meter::report(meters));
  desk.wait();
}

}  // namespace

void galena_receive(Room& room, const Room::Desk& desk, const Task& task) {
  if (task.shape.typed) {
    receive_with<TypedTaker>([](Meter* meter, Gate* gate) { return TypedTaker{meter, gate}; }, room, desk, task);
  } else if (task.part == Part::slow) {
    receive_with<SlowTaker>([](Meter* meter, Gate* gate) { return SlowTaker{{meter, gate}}; }, room, desk, task);
  } else {
    receive_with<Taker>([](Meter* meter, Gate* gate) { return Taker{meter, gate}; }, room, desk, task);
  }
}

}  // namespace galena::bench
