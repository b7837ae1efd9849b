// SPDX-License-Identifier: Apache-2.0
// Pressure goes from a consumer that stands still through relays to the source; nothing is lost on the way.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>

#include "stage/raw_peer.hpp"
#include "stage/stage_fixture.hpp"

namespace galena::test {
namespace {

using namespace std::chrono_literals;

Event pass(std::string_view topic, std::string_view message) { return {std::string(topic), std::string(message)}; }

struct Chain {
  explicit Chain(bool over_tcp) : other(realm.options()) {
    Node& far = over_tcp ? other : node;
    const ProducerConsumerOptions relay{.publish = {.buffer_events = 10}};
    source.emplace(node, ProducerOptions{.name = global("p"), .buffer_events = 10});
    ProducerConsumerOptions first = relay;
    first.name = global("r1");
    first.subscriptions = {{global("p"), {}, 5}};
    r1.emplace(far, &pass, first);
    ProducerConsumerOptions second = relay;
    second.name = global("r2");
    second.subscriptions = {{global("r1"), {}, 5}};
    r2.emplace(node, &pass, second);
    consumer.emplace(far, keep, ConsumerOptions{.subscriptions = {{global("r2"), {}, 5}}});
    REQUIRE(source->wait_for_subscribers(1, patience));
    REQUIRE(r1->wait_for_subscribers(1, patience));
    REQUIRE(r2->wait_for_subscribers(1, patience));
  }

  Realm realm;
  Node node{realm.options()};
  Node other;
  KeepBehindGate keep;
  std::optional<Producer<>> source;
  std::optional<ProducerConsumer<decltype(&pass)>> r1;
  std::optional<ProducerConsumer<decltype(&pass)>> r2;
  std::optional<Consumer<KeepBehindGate>> consumer;
};

void pressure_reaches_the_source(bool over_tcp) {
  Chain chain(over_tcp);
  std::atomic<int> taken{0};
  std::thread feeder([&] {
    for (const auto& number : numbers(1000)) {
      chain.source->ingest("t", number);
      ++taken;
    }
  });
  REQUIRE(chain.keep.gate->wait_until_reached());
  // It stands still, or the machine is slow: what follows must hold in any case.
  REQUIRE(eventually([&] {
    const int before = taken;
    std::this_thread::sleep_for(50ms);
    return taken == before && before >= 20;
  }));
  CHECK(taken <= 3 * 10 + 2);  // what the buffers may hold, and what each relay has in its hands
  CHECK(chain.keep.events->size() == 0);
  chain.keep.gate->open();
  feeder.join();
  REQUIRE(chain.source->drain(patience));
  REQUIRE(chain.r1->drain(patience));
  REQUIRE(chain.r2->drain(patience));
  CHECK((messages_of(*chain.keep.events, "t") == numbers(1000)));
  CHECK(chain.source->stats().dropped + chain.r1->producer_stats().dropped + chain.r2->producer_stats().dropped == 0);
}

TEST_CASE("a gap in a relay's input is told to those behind it, through another relay as well") {
  Realm realm;
  Node node(realm.options());
  RawRouter source;
  const FakeProducer fake(node, "p", source.endpoint());
  ProducerConsumer one(node, PassThrough(), {.subscriptions = {{global("p")}}});
  ProducerConsumer two(node, PassThrough(), {.subscriptions = {{one}}});
  Keep keep;
  const auto gaps = std::make_shared<Record<Gap>>();
  ConsumerOptions options = of(two);
  options.on_gap = [gaps](const Source&, const Gap& gap) { gaps->add(gap); };
  Consumer<Keep> consumer(node, keep, options);
  const auto wish = source.next<core::Subscribe>();
  REQUIRE(wish);
  const std::string& peer = wish->first;
  source.send(peer, core::encode(core::Accept{fake.stage(), {Id::random(), 0}, 30s}));
  source.send(peer, batch(0, 2, {"0", "1"}));
  REQUIRE(keep.events->wait_for(2));
  source.send(peer, core::encode(Gap{2, 9, 7, "full"}));
  source.send(peer, batch(9, 11, {"9", "10"}));
  REQUIRE(keep.events->wait_for(4));
  CHECK(messages_of(*keep.events, "t") == std::vector<std::string>{"0", "1", "9", "10"});
  REQUIRE(gaps->size() == 1);
  CHECK(gaps->all()[0].reason == "upstream");
  CHECK_FALSE(gaps->all()[0].count.has_value());
  CHECK(one.consumer_stats().lost == 7);
  CHECK(two.consumer_stats().unknown_gaps == 1);
  CHECK(consumer.stats().unknown_gaps == 1);
  CHECK(consumer.stats().lost == 0);
}

TEST_CASE("a relay that subscribes to itself is an error, by a local and by a global name") {
  Realm realm;
  Node node(realm.options());
  for (const Name& name : {Name("loop"), global("loop")}) {
    CHECK_THROWS_WITH_AS(ProducerConsumer(node, PassThrough{}, {.name = name, .subscriptions = {{"other"}, {name}}}),
                         "'loop' subscribes to itself: what it makes would come back to it for ever", Error);
  }
  // Another stage of the same local name is nobody else's business.
  const ProducerConsumer relay(node, PassThrough{}, {.name = "loop", .subscriptions = {{global("loop")}}});
}

TEST_CASE("a last consumer that stands still stops the source through two relays; released, nothing is missing") {
  pressure_reaches_the_source(false);
}

TEST_CASE("the same over TCP between nodes") { pressure_reaches_the_source(true); }

TEST_CASE("a relay without a subscriber takes no more than its buffer holds, and the first one gets it all") {
  Realm realm;
  Node node(realm.options());
  Producer<> producer(node, {.buffer_events = 20});
  ProducerConsumer relay(node, &pass, {.subscriptions = {{producer, {}, 5}}, .publish = {.buffer_events = 10}});
  REQUIRE(producer.wait_for_subscribers(1, patience));
  int taken = 0;
  REQUIRE(eventually([&] {
    while (producer.try_ingest("t", std::to_string(taken))) ++taken;
    return relay.producer_stats().outstanding == 10;
  }));
  CHECK(taken >= 20);
  CHECK(taken <= 31);
  Keep keep;
  Consumer<Keep> consumer(node, keep, {.subscriptions = {{relay}}});
  REQUIRE(producer.drain(patience));
  REQUIRE(relay.drain(patience));
  CHECK(messages_of(*keep.events, "t") == numbers(taken));
}

TEST_CASE("a relay makes many events of one, more than its buffer holds, one after the other") {
  Realm realm;
  Node node(realm.options());
  Producer<> producer(node);
  const auto many = [](std::string_view, std::string_view message, Sink& out) {
    for (int i = 0; i < 100; ++i) out.emit("t", std::string(message) + "." + std::to_string(i));
  };
  ProducerConsumer relay(node, many, {.subscriptions = {{producer}}, .publish = {.buffer_events = 7}});
  Keep keep;
  Consumer<Keep> consumer(node, keep, {.subscriptions = {{relay}}});
  REQUIRE(relay.wait_for_subscribers(1, patience));
  std::vector<std::string> expected;
  for (const auto& number : numbers(10)) {
    producer.ingest("t", number);
    for (const auto& part : numbers(100)) expected.push_back(number + "." + part);
  }
  REQUIRE(producer.drain(patience));
  REQUIRE(relay.drain(patience));
  CHECK((messages_of(*keep.events, "t") == expected));
  CHECK(relay.producer_stats().dropped == 0);
}

/// Whole batches, single events, long ones and typed ones, over TCP and, for a consumer of one topic, apart.
TEST_CASE("a relay that passes everything on passes it on as it is, whatever its consumers select") {
  for (const bool in_one_node : {false, true}) {
    Realm realm;
    Node node(realm.options());
    Node far(realm.options());
    Producer<> source(node, {.name = global("p")});
    ProducerConsumer relay(in_one_node ? node : far, PassThrough{},
                           {.name = global("r"), .subscriptions = {{global("p")}}});
    Keep everything;
    Consumer all(node, everything, {.subscriptions = {{global("r")}}});
    REQUIRE(relay.wait_for_subscribers(1, patience));
    std::vector<std::string> sent;
    std::size_t topic_a = 0;
    const auto send = [&](int count) {
      for (int i = 0; i < count; ++i) {
        sent.push_back(std::to_string(sent.size()) + std::string(i % 7 == 0 ? 3000 : i % 100, '.'));
        source.ingest(i % 3 == 0 ? "a" : "b", sent.back());
        if (i % 3 == 0) ++topic_a;
      }
    };
    send(20'000);
    REQUIRE(source.drain(patience));
    REQUIRE(relay.drain(patience));
    Keep some;
    {
      const Consumer one(node, some, {.subscriptions = {{global("r"), {"a"}}}});
      REQUIRE(relay.wait_for_subscribers(2, patience));
      send(3000);
      REQUIRE(source.drain(patience));
      REQUIRE(relay.drain(patience));
    }
    send(1);
    REQUIRE(source.drain(patience));
    REQUIRE(relay.drain(patience));
    CHECK(all.stats().lost + all.stats().unknown_gaps == 0);
    const auto got = everything.events->all();
    CHECK(std::equal(got.begin(), got.end(), sent.begin(), sent.end(),
                     [](const Received& one, const std::string& other) { return one.message == other; }));
    CHECK(messages_of(*everything.events, "a").size() == topic_a);
    CHECK(some.events->all().size() == 1000);
    CHECK(relay.consumer_stats().received == sent.size());
    CHECK(relay.producer_stats().ingested == sent.size());
  }
}

}  // namespace
}  // namespace galena::test
