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

TEST_CASE("what a subscriber that leaves on purpose did not handle is counted, and drain does not wait for it") {
  Realm realm;
  Node node(realm.options());
  Producer<> producer(node, {.name = global("p")});
  Keep keep;
  Consumer<Keep> consumer(node, keep, of(global("p")));
  RawDealer peer(endpoint_of(node, "p"));
  peer.send(core::encode(subscribe_message(30s)));
  REQUIRE(producer.wait_for_subscribers(2, patience));
  producer.ingest("t", "0");
  CHECK_FALSE(producer.drain(20ms));
  peer.send(core::encode(core::Cancel{"cancelled", "enough"}));
  CHECK(producer.drain());
  CHECK(producer.stats().drops == DropCounts{{{"t", "cancelled"}, 1}});
}

TEST_CASE("what the only subscriber did not handle before it left is for the next one, and drain waits for that") {
  Realm realm;
  Node node(realm.options());
  Producer<> producer(node, {.name = global("p")});
  RawDealer peer(endpoint_of(node, "p"));
  peer.send(core::encode(subscribe_message(30s)));
  REQUIRE(producer.wait_for_subscribers(1, patience));
  producer.ingest("t", "0");
  peer.send(core::encode(core::Cancel{"cancelled", "enough"}));
  CHECK_FALSE(producer.drain(20ms));
  Keep keep;
  Consumer<Keep> consumer(node, keep, of(global("p")));
  CHECK(producer.drain());
  CHECK(consumer.stats().received == 1);
  CHECK(producer.stats().dropped == 0);
}

/// How many events a consumer acknowledges, of four that arrive in one frame, and that it says it leaves then. It is
/// told to end while it handles the first one.
std::uint64_t acknowledged_at_end(KeepBehindGate& keep, Duration drain) {
  Realm realm;
  Node node(realm.options());
  RawRouter router;
  const FakeProducer fake(node, "p", router.endpoint());
  ConsumerOptions options = of(global("p"));
  options.drain = drain;
  std::optional<Consumer<KeepBehindGate>> consumer(std::in_place, node, keep, options);
  const auto wish = router.next<core::Subscribe>();
  REQUIRE(wish);
  const std::string& peer = wish->first;
  router.send(peer, core::encode(core::Accept{fake.stage(), {Id::random(), 0}, 30s}));
  router.send(peer, batch(0, 4, {"0", "1", "2", "3"}));
  REQUIRE(keep.gate->wait_until_reached());
  std::thread end([&] { consumer.reset(); });
  keep.gate->open();
  std::uint64_t acknowledged = 0;
  for (bool leaves = false; !leaves;) {
    const auto frame = router.receive();
    REQUIRE(frame);
    const auto message = core::decode(frame->bytes);
    REQUIRE(message);
    if (const auto* grant = std::get_if<core::Grant>(&*message)) acknowledged = grant->acknowledged;
    if (const auto* cancel = std::get_if<core::Cancel>(&*message)) {
      CHECK(cancel->reason == core::reason::cancelled);
      leaves = true;
    }
  }
  end.join();
  return acknowledged;
}

TEST_CASE("a consumer that leaves first handles and acknowledges what has arrived, for as long as it is to") {
  KeepBehindGate all;
  CHECK(acknowledged_at_end(all, patience) == 4);
  CHECK(all.events->size() == 4);
  KeepBehindGate some;
  const std::uint64_t acknowledged = acknowledged_at_end(some, Duration::zero());
  CHECK(acknowledged >= 1);
  CHECK(some.events->size() == acknowledged);
}

TEST_CASE("consumers that come one after the other miss nothing, and get nothing twice") {
  Realm realm;
  Node node(realm.options());
  Producer<> producer(node, {.name = global("p"), .buffer_events = 100});  // so that it goes on while they change
  constexpr int made = 3000;
  std::thread maker([&] {
    for (const auto& number : numbers(made)) producer.ingest("t", number);
  });
  Keep keep;
  for (int i = 0; i < 5; ++i) {
    Consumer<Keep> consumer(node, keep, of(global("p")));
    CHECK(keep.events->wait_for(keep.events->size() + 100));
  }
  Consumer<Keep> last(node, keep, of(global("p")));
  maker.join();
  CHECK(producer.drain());
  CHECK(messages_of(*keep.events, "t") == numbers(made));
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
