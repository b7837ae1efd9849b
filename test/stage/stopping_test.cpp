// SPDX-License-Identifier: Apache-2.0
// Every call that waits can be ended; stages can be moved, and outlive their Node.
#include <doctest/doctest.h>

#include "stage/stage_fixture.hpp"

namespace galena::test {
namespace {

using namespace std::chrono_literals;

/// A producer whose buffer is full of what its consumer does not take.
struct Full {
  Realm realm;
  Node node{realm.options()};
  Producer<> producer{node, {.buffer_events = 1, .drain = 0s}};
  KeepBehindGate keep;
  Consumer<KeepBehindGate> consumer{node, keep, of(producer, {}, 1)};

  Full() {
    producer.ingest("t", "0");
    REQUIRE(keep.gate->wait_until_reached());
    while (producer.try_ingest("t", "x")) {
    }
  }
  ~Full() { keep.gate->open(); }
};

/// Calls from another thread, and keeps what they say.
class Caller {
 public:
  explicit Caller(std::function<std::string()> call) {
    thread_ = std::thread([this, call = std::move(call)] { said_.add(call()); });
  }
  ~Caller() { thread_.join(); }
  std::string said() const {
    REQUIRE(said_.wait_for(1));
    return said_.all().front();
  }
  bool waits() const { return said_.size() == 0; }

 private:
  Record<std::string> said_;
  std::thread thread_;
};

std::string outcome(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code() == ErrorCode::stopped ? "stopped" : error.what();
  }
  return "returned";
}

TEST_CASE("close() ends ingest, ingest_within and drain; and from then on nothing is taken") {
  Full full;
  Producer<>& producer = full.producer;
  {
    const Caller ingest([&] { return outcome([&] { producer.ingest("t", "1"); }); });
    const Caller within([&] { return outcome([&] { (void)producer.ingest_within(patience, "t", "1"); }); });
    const Caller drain([&] { return std::string(producer.drain() ? "drained" : "not drained"); });
    producer.close();
    CHECK(ingest.said() == "stopped");
    CHECK(within.said() == "stopped");
    CHECK(drain.said() == "not drained");
  }
  CHECK(outcome([&] { producer.ingest("t", "2"); }) == "stopped");
  CHECK(outcome([&] { (void)producer.try_ingest("t", "2"); }) == "stopped");
}

TEST_CASE(
    "Node::stop() ends what waits in all its stages, and none waits for ever after it; what needs no wait goes on") {
  Full full;
  Producer<>& producer = full.producer;
  Keep nothing;
  Consumer<Keep> idle(full.node, nothing, of(Source("nobody")));
  {
    const Caller ingest([&] { return outcome([&] { producer.ingest("t", "1"); }); });
    const Caller drain([&] { return std::string(producer.drain() ? "drained" : "not drained"); });
    const Caller subscribers(
        [&] { return std::string(producer.wait_for_subscribers(9, patience) ? "they came" : "they did not"); });
    const Caller wait([&] { return outcome([&] { idle.wait(); }); });
    const Caller run([&] { return outcome([&] { full.node.run(); }); });
    full.node.stop();
    CHECK(ingest.said() == "stopped");
    CHECK(drain.said() == "not drained");
    CHECK(wait.said() == "returned");
    CHECK(run.said() == "returned");
  }
  CHECK(outcome([&] { producer.ingest("t", "2"); }) == "stopped");
  CHECK_FALSE(producer.drain());
  full.keep.gate->open();
  CHECK(producer.drain(patience));  // with a time it does what it can
  producer.ingest("t", "3");
  CHECK(producer.drain(patience));
}

TEST_CASE("a consumer whose handler waits for room in another node's producer can be destroyed") {
  Full full;
  Realm realm;
  Node node(realm.options());
  Producer<> source(node, {.drain = 0s});
  std::atomic<bool> reached{false};
  auto bridge = std::make_unique<Consumer<std::function<void(const EventView&)>>>(
      node,
      [&](const EventView& event) {
        reached = true;
        full.producer.ingest(event.topic, event.payload);
      },
      of(source));
  source.ingest("t", "into what is full");
  REQUIRE(eventually([&] { return reached.load(); }));
  bridge.reset();
  CHECK(full.producer.stats().dropped == 0);
}

TEST_CASE("stages live in vectors, and come out of functions") {
  Realm realm;
  Node node(realm.options());
  const auto make = [&](const std::string& name) { return Producer<>(node, {.name = name}); };
  std::vector<Producer<>> producers;
  for (const auto& name : numbers(5)) producers.push_back(make(name));
  Keep keep;
  std::vector<Consumer<Keep>> consumers;
  for (const Producer<>& producer : producers) consumers.emplace_back(node, keep, of(producer));
  for (Producer<>& producer : producers) producer.ingest("t", producer.name().text);
  for (Producer<>& producer : producers) REQUIRE(producer.drain(patience));
  auto said = messages_of(*keep.events, "t");
  std::sort(said.begin(), said.end());
  CHECK(said == numbers(5));
  producers.front() = make("another");  // the first ends here
  CHECK(producers.front().name().text == "another");
  producers.front() = make("0");  // so its name is free
}

TEST_CASE("stages outlive their Node: what they were doing goes on") {
  Realm realm;
  auto node = std::make_unique<Node>(realm.options());
  Producer<> producer(*node, {.name = global("p")});
  Keep keep;
  Consumer<Keep> consumer(*node, keep, {.subscriptions = {{global("p")}}});
  REQUIRE(producer.wait_for_subscribers(1, patience));
  node.reset();
  producer.ingest("t", "0");
  REQUIRE(producer.drain(patience));
  CHECK(messages_of(*keep.events, "t") == numbers(1));
}

}  // namespace
}  // namespace galena::test
