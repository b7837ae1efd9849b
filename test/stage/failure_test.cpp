// SPDX-License-Identifier: Apache-2.0
// A handler that throws stops its stage, and those who need to know are told.
#include <doctest/doctest.h>

#include <stdexcept>

#include "stage/stage_fixture.hpp"

namespace galena::test {
namespace {

using namespace std::chrono_literals;

void throw_at_two(std::string_view, std::string_view message) {
  if (message == "2") throw std::out_of_range("two");
}

TEST_CASE("wait() and Node::run() rethrow what the handler threw, with its type") {
  Realm realm;
  Node node(realm.options());
  Producer<> producer(node);
  Consumer consumer(node, &throw_at_two, {.subscriptions = {{producer}}});
  for (const auto& number : numbers(4)) producer.ingest("t", number);
  CHECK_THROWS_WITH_AS(consumer.wait(), "two", std::out_of_range);
  CHECK_THROWS_WITH_AS(consumer.wait(), "two", std::out_of_range);
  CHECK_THROWS_WITH_AS(node.run(), "two", std::out_of_range);
  CHECK(consumer.stats().received == 3);
}

TEST_CASE("the producer of a consumer that failed loses a subscriber, and counts what it did not take as lost") {
  Realm realm;
  Node node(realm.options());
  Producer<> producer(node);
  for (const auto& number : numbers(4)) producer.ingest("t", number);
  Consumer consumer(node, &throw_at_two, {.subscriptions = {{producer}}});
  CHECK_THROWS(consumer.wait());
  REQUIRE(eventually([&] { return producer.stats().subscribers.empty(); }));
  CHECK(producer.stats().drops == DropCounts{{{"t", "stopped"}, 2}});
  Keep keep;
  Consumer<Keep> other(node, keep, {.subscriptions = {{producer}}});
  producer.ingest("t", "next");
  REQUIRE(producer.drain(patience));
  CHECK(keep.events->all() == std::vector<Received>{{"t", "next"}});
}

TEST_CASE("what is thrown need not be a std::exception") {
  Realm realm;
  Node node(realm.options());
  Producer<> producer(node);
  const auto thrower = [](std::string_view, std::string_view) { throw 42; };
  Consumer consumer(node, thrower, {.subscriptions = {{producer}}});
  producer.ingest("t", "x");
  CHECK_THROWS_AS(consumer.wait(), int);
  CHECK_THROWS_AS(node.run(), int);
}

TEST_CASE("wait() with a time returns false when that is over, and true when the handler has had enough") {
  Realm realm;
  Node node(realm.options());
  Producer<> producer(node);
  const auto one_only = [](std::string_view, std::string_view message) {
    if (message == "2") throw Enough();
  };
  Consumer consumer(node, one_only, {.subscriptions = {{producer}}});
  producer.ingest("t", "1");
  CHECK_FALSE(consumer.wait(20ms));
  producer.ingest("t", "2");
  CHECK(consumer.wait(patience));
  Producer<> other(node);
  Consumer failing(node, &throw_at_two, {.subscriptions = {{other}}});
  other.ingest("t", "2");
  CHECK_THROWS_AS(static_cast<void>(failing.wait(patience)), std::out_of_range);
}

TEST_CASE("callbacks that throw what is no std::exception stop the stage, too") {
  Realm realm;
  Node node(realm.options());
  Producer<> producer(node);
  ConsumerOptions options{.subscriptions = {{producer}}};
  options.on_state = [](const Source&, State) { throw 42; };
  Consumer<Keep> consumer(node, {}, options);
  CHECK_THROWS_AS(consumer.wait(), int);
}

TEST_CASE("callbacks that throw stop the stage as handlers do") {
  Realm realm;
  Node node(realm.options());
  Producer<> producer(node);
  ConsumerOptions options{.subscriptions = {{producer}}};
  options.on_state = [](const Source&, State state) {
    if (state == State::connected) throw std::runtime_error("on_state");
  };
  Consumer<Keep> consumer(node, {}, options);
  CHECK_THROWS_WITH_AS(consumer.wait(), "on_state", std::runtime_error);
  ConsumerOptions idle{.subscriptions = {{producer}}};
  idle.on_idle = [] { throw std::runtime_error("on_idle"); };
  Consumer<Keep> second(node, {}, idle);
  producer.ingest("t", "x");
  CHECK_THROWS_WITH_AS(second.wait(), "on_idle", std::runtime_error);
}

TEST_CASE("a relay that fails tells both sides: its producer loses a subscriber, its consumer its producer") {
  Realm realm;
  Node node(realm.options());
  Producer<> producer(node);
  const auto relay_handler = [](std::string_view topic, std::string_view message) -> Event {
    throw_at_two(topic, message);
    return {std::string(topic), std::string(message)};
  };
  ProducerConsumer relay(node, relay_handler, {.name = "r", .subscriptions = {{producer}}});
  Keep keep;
  auto states = std::make_shared<Record<State>>();
  ConsumerOptions options{.subscriptions = {{relay}}};
  options.on_state = [states](const Source&, State state) { states->add(state); };
  Consumer<Keep> consumer(node, keep, options);
  REQUIRE(relay.wait_for_subscribers(1, patience));
  for (const auto& number : numbers(2)) producer.ingest("t", number);
  REQUIRE(keep.events->wait_for(2));
  for (const char* number : {"2", "3"}) producer.ingest("t", number);
  CHECK_THROWS_AS(relay.wait(), std::out_of_range);
  REQUIRE(states->wait_for_item(State::lost));
  REQUIRE(eventually([&] { return producer.stats().subscribers.empty(); }));
  CHECK(messages_of(*keep.events, "t") == numbers(2));
}

TEST_CASE("what a relay made before it failed is delivered and accounted for, and then those behind it are told") {
  Realm realm;
  Node node(realm.options());
  Producer<> producer(node);
  ProducerConsumer relay(node,
                         [](std::string_view topic, std::string_view message) {
                           throw_at_two(topic, message);
                           return Event(std::string(topic), std::string(message));
                         },
                         {.subscriptions = {{producer}}});
  KeepBehindGate slow;
  Record<State> states;
  Consumer<KeepBehindGate> consumer(
      node, slow, {.subscriptions = {{relay}}, .on_state = [&](const Source&, State state) { states.add(state); }});
  REQUIRE(relay.wait_for_subscribers(1, patience));
  producer.ingest("t", "0");
  REQUIRE(slow.gate->wait_until_reached());
  for (const auto& number : {"1", "2", "3"}) producer.ingest("t", number);
  CHECK_THROWS_AS(relay.wait(), std::out_of_range);
  CHECK(states.all() == std::vector<State>{State::connected});
  slow.gate->open();
  REQUIRE(states.wait_for_item(State::lost));
  CHECK(messages_of(*slow.events, "t") == numbers(2));
  CHECK(relay.producer_stats().ingested == 2);
  CHECK(relay.producer_stats().dropped == 0);
  CHECK(relay.producer_stats().subscribers.empty());
}

TEST_CASE("a stage that failed gives up its name before wait() says so: another can have it at once, and is found") {
  for (const Name& name : {Name("r"), global("r")}) {
    CAPTURE(name.text);
    Realm realm;
    Node node(realm.options());
    Producer<> producer(node);
    const auto pass = [](std::string_view topic, std::string_view message) {
      throw_at_two(topic, message);
      return Event(std::string(topic), std::string(message));
    };
    ProducerConsumer relay(node, pass, {.name = name, .subscriptions = {{producer}}});
    Keep keep;
    Consumer<Keep> consumer(node, keep, {.subscriptions = {{name}}});
    REQUIRE(relay.wait_for_subscribers(1, patience));
    producer.ingest("t", "2");
    CHECK_THROWS_AS(relay.wait(), std::out_of_range);
    Producer<> second(node, {.name = name, .register_within = patience});
    second.ingest("t", "by the second");
    REQUIRE(keep.events->wait_for(1));
    CHECK(messages_of(*keep.events, "t") == std::vector<std::string>{"by the second"});
  }
}

TEST_CASE("run() returns when it is told to stop, run_for() when its time is over; both again and again") {
  Realm realm;
  Node node(realm.options());
  CHECK_FALSE(node.run_for(10ms));
  node.stop();
  CHECK(node.run_for(patience));
  std::thread other([&] { node.stop(); });
  node.run();
  other.join();
  Producer<> producer(node);
  const auto stopper = [&](std::string_view, std::string_view) { node.stop(); };
  Consumer consumer(node, stopper, {.subscriptions = {{producer}}});
  producer.ingest("t", "x");
  node.run();
}

TEST_CASE("on_idle comes when all that has arrived has been handled") {
  Realm realm;
  Node node(realm.options());
  Producer<> producer(node);
  auto handled = std::make_shared<std::atomic<int>>(0);
  auto seen = std::make_shared<Record<int>>();
  ConsumerOptions options{.subscriptions = {{producer}}};
  options.on_idle = [=] { seen->add(*handled); };
  const auto count = [=](std::string_view, std::string_view) { ++*handled; };
  Consumer consumer(node, count, options);
  for (const auto& number : numbers(1000)) producer.ingest("t", number);
  REQUIRE(seen->wait_for_item(1000));
}

}  // namespace
}  // namespace galena::test
