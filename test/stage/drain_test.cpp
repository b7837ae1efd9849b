// SPDX-License-Identifier: Apache-2.0
// Draining: what drain() waits for, and what a producer's end waits for and says.
#include <doctest/doctest.h>

#include <atomic>

#include "stage/raw_peer.hpp"
#include "stage/stage_fixture.hpp"

namespace galena::test {
namespace {

using namespace std::chrono_literals;

TEST_CASE("drain waits for a first subscriber, and until it has handled everything") {
  Realm realm;
  Node node(realm.options());
  Producer<> producer(node);
  for (const auto& number : numbers(100)) producer.ingest("t", number);
  CHECK_FALSE(producer.drain(20ms));
  std::atomic<bool> drained{false};
  std::thread drainer([&] {
    CHECK(producer.drain());
    drained = true;
  });
  KeepBehindGate keep;
  Consumer<KeepBehindGate> consumer(node, keep, of(producer));
  REQUIRE(keep.gate->wait_until_reached());
  CHECK_FALSE(producer.drain(20ms));
  CHECK_FALSE(drained);
  keep.gate->open();
  drainer.join();
  CHECK(messages_of(*keep.events, "t") == numbers(100));
}

TEST_CASE("drain has nothing to wait for if nothing was ingested") {
  Realm realm;
  Node node(realm.options());
  Producer<> producer(node);
  CHECK(producer.drain());
}

TEST_CASE("drain waits for all subscribers, not for the first that is done") {
  Realm realm;
  Node node(realm.options());
  Producer<> producer(node);
  Keep fast;
  KeepBehindGate slow;
  Consumer<Keep> one(node, fast, of(producer));
  Consumer<KeepBehindGate> two(node, slow, of(producer));
  REQUIRE(producer.wait_for_subscribers(2, patience));
  producer.ingest("t", "0");
  REQUIRE(fast.events->wait_for(1));
  CHECK_FALSE(producer.drain(20ms));
  slow.gate->open();
  CHECK(producer.drain(patience));
  CHECK(slow.events->size() == 1);
}

TEST_CASE("drain says no when a subscriber died with events it had not acknowledged") {
  Realm realm;
  Node node(realm.options(1s));
  Producer<> producer(node, {.name = global("p"), .hold = 0s});
  {
    RawDealer peer(endpoint_of(node, "p"));
    peer.send(core::encode(subscribe_message(400ms)));
    REQUIRE(producer.wait_for_subscribers(1, patience));
    producer.ingest("t", "0");
    producer.ingest("t", "1");
    CHECK_FALSE(producer.drain());  // it never acknowledges, and is silent
  }
  const ProducerStats stats = producer.stats();
  CHECK(stats.dropped == 2);
  CHECK(stats.drops == DropCounts{{{"t", "silent"}, 2}});
  CHECK(stats.outstanding == 0);
  CHECK(producer.drain());
}

TEST_CASE("a subscriber that leaves on purpose takes its share along: nothing is lost, and drain goes on") {
  Realm realm;
  Node node(realm.options());
  Producer<> producer(node, {.name = global("p")});
  RawDealer peer(endpoint_of(node, "p"));
  peer.send(core::encode(subscribe_message(30s)));
  REQUIRE(producer.wait_for_subscribers(1, patience));
  producer.ingest("t", "0");
  CHECK_FALSE(producer.drain(20ms));
  peer.send(core::encode(core::Cancel{"cancelled", "enough"}));
  CHECK(producer.drain());
  CHECK(producer.stats().dropped == 0);
}

TEST_CASE("wait_for_subscribers counts subscriptions that stand, and gives up when told") {
  Realm realm;
  Node node(realm.options());
  Producer<> producer(node);
  CHECK(producer.wait_for_subscribers(0, 0s));
  CHECK_FALSE(producer.wait_for_subscribers(1, 20ms));
  Consumer<Keep> one(node, {}, {.subscriptions = {{producer, {"a"}}, {producer, {"b"}}}});
  CHECK(producer.wait_for_subscribers(2, patience));
  CHECK_FALSE(producer.wait_for_subscribers(3, 20ms));
}

TEST_CASE("a producer's end waits for its subscribers, and says nothing if they took everything") {
  Realm realm;
  Node node(realm.options());
  Keep keep;
  Consumer<Keep> consumer(node, keep, of(global("p")));
  {
    Producer<> producer(node, {.name = global("p")});
    for (const auto& number : numbers(2000)) producer.ingest("t", number);
  }
  CHECK(keep.events->size() == 2000);
  CHECK(realm.lines->all().empty());
}

TEST_CASE("a producer's end waits for a bounded time, then says how many events nobody took") {
  Realm realm;
  Node node(realm.options());
  const Time before = Clock::now();
  {
    Producer<> producer(node, {.name = "lonely", .drain = 50ms});
    for (int i = 0; i < 7; ++i) producer.ingest("t", "x");
  }
  CHECK(Clock::now() - before >= 50ms);
  CHECK(Clock::now() - before < 5s);
  REQUIRE(realm.lines->size() == 1);
  CHECK(realm.lines->all()[0].find("lonely: stops with 7 events") != std::string::npos);
}

TEST_CASE("what a stopping producer could not send any more is told to its consumer as a gap") {
  Realm realm;
  Node node(realm.options());
  KeepBehindGate keep;
  auto gaps = std::make_shared<Record<std::uint64_t>>();
  ConsumerOptions options{.subscriptions = {{global("p"), {}, 4}}};
  options.on_gap = [gaps](const Source&, const Gap& gap) { gaps->add(gap.count.value_or(0)); };
  std::optional<Consumer<KeepBehindGate>> consumer;
  {
    Producer<> producer(node, {.name = global("p"), .drain = 50ms});
    for (const auto& number : numbers(10)) producer.ingest("t", number);
    consumer.emplace(node, keep, options);
    REQUIRE(keep.gate->wait_until_reached());
    REQUIRE(producer.stats().subscribers.at(0).sent == 4);
  }
  keep.gate->open();
  REQUIRE(gaps->wait_for(1));
  CHECK(gaps->all() == std::vector<std::uint64_t>{6});
  CHECK(messages_of(*keep.events, "t") == numbers(4));
  CHECK(consumer->stats().lost == 6);
}

TEST_CASE("a relay's end hands on what it made and had no room for") {
  for (int round = 0; round < 20; ++round) {
    Realm realm;
    Node node(realm.options());
    Producer<> producer(node);
    KeepBehindGate keep;
    std::optional<Consumer<KeepBehindGate>> consumer;
    {
      const auto triple = [](std::string_view, std::string_view message, Sink& out) {
        for (int i = 0; i < 3; ++i) out.emit("t", std::string(message) + "." + std::to_string(i));
      };
      ProducerConsumer relay(node, triple,
                             {.subscriptions = {{producer}}, .publish = {.buffer_events = 1, .drain = patience}});
      consumer.emplace(node, keep, of(relay));
      REQUIRE(relay.wait_for_subscribers(1, patience));
      producer.ingest("t", "a");
      REQUIRE(keep.gate->wait_until_reached());
      keep.gate->open();
    }
    CHECK(messages_of(*keep.events, "t") == std::vector<std::string>{"a.0", "a.1", "a.2"});
  }
}

}  // namespace
}  // namespace galena::test
