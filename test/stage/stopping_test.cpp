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

TEST_CASE("a stop token ends ingest_within, drain, wait and wait_for_subscribers of its own calls, and nothing else") {
  Full full;
  Producer<>& producer = full.producer;
  Keep nothing;
  Consumer<Keep> idle(full.node, nothing, of(Source("nobody")));
  std::stop_source mine;
  std::stop_source others;
  const auto ingest = [&](const Until& until) {
    return std::string(producer.ingest_within(until, "t", "1") ? "taken" : "not taken");
  };
  const Caller other([&] { return ingest(others.get_token()); });
  {
    const std::stop_token stop = mine.get_token();
    const Caller within([&, stop] { return ingest(stop); });
    const Caller timed([&, stop] { return ingest({patience, stop}); });
    const Caller drain([&, stop] { return std::string(producer.drain(stop) ? "drained" : "not drained"); });
    const Caller wait([&, stop] { return std::string(idle.wait({patience, stop}) ? "ended" : "goes on"); });
    const Caller subscribers([&, stop] {
      return std::string(producer.wait_for_subscribers(9, {patience, stop}) ? "they came" : "they did not");
    });
    CHECK((within.waits() && timed.waits() && drain.waits() && wait.waits() && subscribers.waits()));
    mine.request_stop();
    CHECK(within.said() == "not taken");
    CHECK(timed.said() == "not taken");
    CHECK(drain.said() == "not drained");
    CHECK(wait.said() == "goes on");
    CHECK(subscribers.said() == "they did not");
  }
  CHECK(ingest(mine.get_token()) == "not taken");  // at once
  CHECK(ingest(0s) == "not taken");
  CHECK(other.waits());
  full.keep.gate->open();
  CHECK(other.said() == "taken");
  REQUIRE(producer.drain({patience, others.get_token()}));
  CHECK(ingest(mine.get_token()) == "taken");  // there is no need to wait
  REQUIRE(producer.drain(patience));
}

TEST_CASE("Node::stop() and close() end a wait that a stop token could end as well") {
  Full full;
  std::stop_source nobody_asks;
  const std::stop_token stop = nobody_asks.get_token();
  const auto ingest = [&] { return outcome([&] { (void)full.producer.ingest_within(stop, "t", "1"); }); };
  {
    const Caller caller(ingest);
    full.node.stop();
    CHECK(caller.said() == "stopped");
  }
  CHECK(ingest() == "stopped");  // a token alone may never be asked to stop
  CHECK_FALSE(full.producer.ingest_within(Until(0s, stop), "t", "1"));
  full.producer.close();
  CHECK(ingest() == "stopped");
}

TEST_CASE("a handler's wait in another stage ends by its stop token, and by the end of its own stage") {
  Full full;
  Realm realm;
  Node node(realm.options());
  Producer<> source(node, {.drain = 0s});
  std::stop_source stop;
  std::stop_source nobody_asks;
  Record<std::string> said;
  const auto handler = [&](const EventView& event) {
    const Until until(patience, event.payload == "by the token" ? stop.get_token() : nobody_asks.get_token());
    said.add("begins");
    said.add(full.producer.ingest_within(until, event.topic, event.payload) ? "taken" : "not taken");
  };
  auto consumer = std::make_unique<Consumer<std::function<void(const EventView&)>>>(node, handler, of(source));
  source.ingest("t", "by the token");
  REQUIRE(said.wait_for(1));
  stop.request_stop();
  REQUIRE(said.wait_for(2));
  source.ingest("t", "by the end");
  REQUIRE(said.wait_for(3));
  consumer.reset();
  CHECK(said.all() == std::vector<std::string>{"begins", "not taken", "begins"});
}

TEST_CASE("a stop token ends run_for, of this call alone") {
  Realm realm;
  Node node(realm.options());
  std::stop_source mine;
  const auto run = [&](const Until& until) { return std::string(node.run_for(until) ? "told to stop" : "over"); };
  const Caller other([&] { return run(patience); });
  {
    const Caller caller([&] { return run({patience, mine.get_token()}); });
    mine.request_stop();
    CHECK(caller.said() == "over");
  }
  CHECK(run(mine.get_token()) == "over");
  CHECK(other.waits());
  node.stop();
  CHECK(other.said() == "told to stop");
}

TEST_CASE("a stop token ends Node::ingest and the calls of a RemoteProducer; what was not sent was not taken") {
  Realm realm;
  Node node(realm.options());
  std::stop_source stop;
  RemoteProducer<> remote(node, global("nobody"), {.drain = 0s});
  const auto ticket = remote.ingest("t", "m");
  {
    const Caller ingest([&] {
      return outcome([&] { node.ingest(global("nobody"), "t", "m", {.timeout = patience, .stop = stop.get_token()}); });
    });
    const Caller drain([&] { return std::string(remote.drain(stop.get_token()) ? "drained" : "not drained"); });
    const Caller answer([&] {
      return std::string(remote.answer(ticket, stop.get_token()).verdict == Verdict::pending ? "pending" : "known");
    });
    stop.request_stop();
    CHECK(ingest.said() == "stopped");
    CHECK(drain.said() == "not drained");
    CHECK(answer.said() == "pending");
  }
  CHECK(remote.withdraw(ticket));
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
