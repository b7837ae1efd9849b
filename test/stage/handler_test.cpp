// SPDX-License-Identifier: Apache-2.0
// What a handler may be, what it learns of an event, and what a stage says of mistakes that compile.
#include <doctest/doctest.h>

#include <functional>

#include "stage/stage_fixture.hpp"

namespace galena::test {
namespace {

using namespace std::chrono_literals;

struct Reading {
  double celsius = 0;
  MSGPACK_DEFINE(celsius)
};

struct Both {
  std::vector<std::string> consumed;
  void handle_consume(const std::string& topic, std::string_view message) {
    consumed.push_back(topic + "=" + std::string(message));
  }
  Event handle_produce(const std::string& topic, std::string_view message) {
    return {topic + "!", std::string(message) + "!"};
  }
};

TEST_CASE("each role calls its own method of a handler that has both; the topic may be taken as a string") {
  Realm realm;
  Node node(realm.options());
  Producer<> producer(node);
  Both both;
  ProducerConsumer relay(node, std::ref(both), {.subscriptions = {{producer}}});
  Consumer consumer(node, Both{}, {.subscriptions = {{relay}}});
  producer.ingest("t", "m");
  REQUIRE(producer.drain(patience));
  REQUIRE(relay.drain(patience));
  CHECK(consumer.handler().consumed == std::vector<std::string>{"t!=m!"});
  CHECK(&relay.handler() == &both);
  CHECK(both.consumed.empty());
}

TEST_CASE("a handler dispatches by type: as<T>() is a value if the message is one, and nothing if it is none") {
  Realm realm;
  Node node(realm.options());
  Producer<> producer(node);
  std::vector<std::string> seen;
  const auto dispatch = [&](const EventView& event) {
    if (const auto reading = event.as<Reading>()) seen.push_back("reading " + std::to_string(reading->celsius));
    if (const auto number = event.as<int>()) seen.push_back("number " + std::to_string(*number));
    if (const auto text = event.as<std::string_view>()) seen.push_back("text " + std::string(*text));
  };
  const Consumer consumer(node, dispatch, {.subscriptions = {{producer}}});
  producer.ingest("t", Reading{1.5});
  producer.ingest("t", 7);
  producer.ingest("t", "x");
  REQUIRE(producer.drain(patience));
  CHECK(seen == std::vector<std::string>{"reading 1.500000", "number 7", "text x"});
  const Event event("t", Reading{2.5});
  CHECK(event.topic() == "t");
  CHECK(event.as<Reading>().value().celsius == 2.5);
  CHECK_FALSE(event.as<int>());
  CHECK(event.view().producer().empty());
  CHECK_FALSE(event.view().position());
}

TEST_CASE("an event tells its producer, its stream and its position, however the batches are cut") {
  Realm realm;
  Node node(realm.options());
  Producer<> named(node, {.name = "named"});
  Producer<> nameless(node);
  std::map<std::string, std::vector<std::uint64_t>> positions;
  std::map<std::string, Id> streams;
  const auto look = [&](const EventView& event) {
    positions[std::string(event.producer())].push_back(event.position().value());
    streams[std::string(event.producer())] = event.stream();
  };
  for (int i = 0; i < 100; ++i) named.ingest("t", std::to_string(i));
  const Consumer consumer(node, look, {.subscriptions = {{"named", {}, 7}, {nameless}}});
  for (int i = 0; i < 10; ++i) nameless.ingest("t", std::to_string(i));
  REQUIRE(named.drain(patience));
  REQUIRE(nameless.drain(patience));
  std::vector<std::uint64_t> expected;
  for (std::uint64_t i = 0; i < 100; ++i) expected.push_back(i);
  CHECK(positions["named"] == expected);
  expected.resize(10);
  CHECK(positions["stage " + nameless.stage_id().brief()] == expected);
  REQUIRE(streams.size() == 2);
  CHECK(streams["named"]);
  CHECK(streams["named"] != streams.rbegin()->second);
}

TEST_CASE("a position is told only if the batch says which it is: never a wrong one") {
  Realm realm;
  Node node(realm.options());
  Producer<> producer(node);
  std::vector<std::optional<std::uint64_t>> positions;
  const auto look = [&](const EventView& event) {
    if (event.position()) CHECK(std::to_string(*event.position()) == event.payload);
    positions.push_back(event.position());
  };
  for (int i = 0; i < 100; ++i) producer.ingest(i % 3 == 0 ? "third" : "other", std::to_string(i));
  const Consumer consumer(node, look, {.subscriptions = {{producer, {"third"}}}});
  for (int i = 100; i < 200; ++i) producer.ingest(i % 3 == 0 ? "third" : "other", std::to_string(i));
  REQUIRE(producer.drain(patience));
  CHECK(positions.size() == 67);
}

TEST_CASE("what a handler threw is in the log") {
  Realm realm;
  Node node(realm.options());
  Producer<> producer(node);
  const auto fail = [](std::string_view, std::string_view) { throw std::runtime_error("disk full"); };
  const Consumer consumer(node, fail, {.name = "writer", .subscriptions = {{producer}}});
  producer.ingest("t", "m");
  CHECK(realm.wait_for_line("writer: stops: its handler failed: disk full"));
}

TEST_CASE("what cannot find anything says so once: a global name taken for a local one, a star, no subscriptions") {
  Realm realm;
  Node node(realm.options());
  const Producer<> global_one(node, {.name = global("p")});
  const Producer<> star(node);
  Keep keep;
  const Consumer forgot(node, keep, {.name = "forgot", .subscriptions = {{"p"}}});
  const Consumer starred(node, keep, {.name = "starred", .subscriptions = {{star, {"room/*", prefix("floor*")}}}});
  const Consumer without(node, keep, {.name = "without"});
  CHECK(realm.wait_for_line("forgot: still searches: no stage of this Node is called 'p'"));
  CHECK(realm.logged("write galena::global(\"p\")"));
  CHECK(realm.wait_for_line("starred: has received nothing on the topic 'room/*'"));
  CHECK(realm.logged("write galena::prefix(\"room/\")"));
  CHECK_FALSE(realm.logged("on the topic 'floor*'"));  // looked at before the other; a prefix may have a star
  CHECK(realm.logged("without: has no subscriptions"));
  CHECK_THROWS_WITH_AS(node.stats("p", 100ms),
                       "no stage of this Node is called 'p'; for one that has it as its global name write "
                       "galena::global(\"p\")",
                       Error);
}

TEST_CASE("a stage of another Node is found by its global name, and refused if it has none") {
  Realm realm;
  Node node(realm.options());
  Node other(realm.options());
  Producer<> named(other, {.name = global("p")});
  const Producer<> nameless(other);
  Keep keep;
  CHECK_THROWS_AS(Consumer(node, keep, {.subscriptions = {{nameless}}}), Error);
  const Consumer consumer(node, keep, {.subscriptions = {{named}}});
  named.ingest("t", "m");
  REQUIRE(named.drain(patience));
  CHECK(keep.events->size() == 1);
}

TEST_CASE("for ever is a duration, and the largest demand a demand") {
  CHECK(detail::time_after(Clock::now(), Duration::max()) == never);
  CHECK(detail::time_after(Time{}, 1s) == Time{1s});
  CHECK(detail::time_after(Time{1s}, Duration::min()) == Time{1s});
  CHECK(detail::time_after(never, 1s) == never);
  Realm realm;
  Node node(realm.options());
  Keep keep;
  Consumer consumer(
      node, keep,
      {.subscriptions = {{.producer = global("p"), .max_demand = ~std::uint64_t{0}, .max_bytes = ~std::uint64_t{0}}}});
  {
    Producer<> producer(
        node,
        {.name = global("p"), .hold = Duration::max(), .drain = Duration::max(), .register_within = Duration::max()});
    REQUIRE(producer.wait_for_subscribers(1, Duration::max()));
    for (int i = 0; i < 5000; ++i) REQUIRE(producer.ingest_within(Duration::max(), "t", std::string(1000, 'x')));
    REQUIRE(producer.drain(Duration::max()));
    CHECK(consumer.stats().malformed == 0);
    producer.ingest("t", "last");
  }  // drains, although it may take for ever
  CHECK(keep.events->size() == 5001);
}

TEST_CASE("a producer-consumer's options are refused where two of them would contradict each other") {
  Realm realm;
  Node node(realm.options());
  const auto refused = [&](ProducerConsumerOptions options) {
    try {
      const ProducerConsumer relay(node, PassThrough{}, std::move(options));
    } catch (const Error& error) {
      return error.code() == ErrorCode::invalid;
    }
    return false;
  };
  CHECK(refused({.subscriptions = {{"p"}}, .subscribe = {.name = "r"}}));
  CHECK(refused({.subscriptions = {{"p"}}, .publish = {.name = "r"}}));
  CHECK(refused({.subscribe = {.subscriptions = {{"p"}}}}));
  const auto positions = std::make_shared<FilePositions>("/tmp/galena-" + Id::random().hex());
  CHECK(refused({.name = "r",
                 .subscriptions = {{"p"}},
                 .acknowledge = Acknowledge::downstream,
                 .subscribe = {.identity = "r", .positions = positions}}));
  CHECK_FALSE(refused({.subscriptions = {{"p"}}, .subscribe = {.identity = "r", .positions = positions}}));
}

TEST_CASE("a relay is told when it has handled all that has arrived") {
  Realm realm;
  Node node(realm.options());
  Producer<> producer(node);
  const auto idle = std::make_shared<Record<int>>();
  const ProducerConsumer relay(node, PassThrough{},
                               {.subscriptions = {{producer}},
                                .subscribe = {.on_idle = [idle] { idle->add(1); }},
                                .publish = {.drain = Duration::zero()}});
  producer.ingest("t", "m");
  CHECK(idle->wait_for(1));
}

}  // namespace
}  // namespace galena::test
