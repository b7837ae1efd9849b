// SPDX-License-Identifier: Apache-2.0
// What ingest answers, and what it waits for: bounds in events and bytes, and whom a full share concerns.
#include <doctest/doctest.h>

#include <atomic>

#include "stage/stage_fixture.hpp"

namespace galena::test {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

/// A consumer that stands still at the first of two events, and so holds both in the producer's buffer.
struct Standstill {
  explicit Standstill(ProducerOptions options) : producer(node, std::move(options)) {
    consumer_options.on_gap = [gaps = gaps](const Source&, const Gap& gap) { gaps->add(gap); };
    consumer_options.subscriptions = {{producer, {}, 2}};
    for (const auto& number : numbers(2)) producer.ingest("t", number);
    consumer.emplace(node, handler, consumer_options);
    REQUIRE(handler.gate->wait_until_reached());
    REQUIRE(producer.stats().subscribers.at(0).sent == 2);
  }
  ~Standstill() { handler.gate->open(); }

  std::uint64_t told_lost() const {
    std::uint64_t lost = 0;
    for (const Gap& gap : gaps->all()) lost += gap.count.value();
    return lost;
  }

  Realm realm;
  Node node{realm.options()};
  Producer<> producer;
  KeepBehindGate handler;
  std::shared_ptr<Record<Gap>> gaps = std::make_shared<Record<Gap>>();
  ConsumerOptions consumer_options;
  std::optional<Consumer<KeepBehindGate>> consumer;
};

TEST_CASE("buffer_events bounds what is not acknowledged: the next try_ingest is told no, and changes nothing") {
  Standstill still({.buffer_events = 10});
  for (int i = 2; i < 10; ++i) CHECK(still.producer.try_ingest("t", std::to_string(i)));
  for (int i = 0; i < 3; ++i) CHECK_FALSE(still.producer.try_ingest("t", "no"));
  CHECK(still.producer.stats().ingested == 10);
  CHECK(still.producer.stats().outstanding == 10);
  still.handler.gate->open();
  REQUIRE(still.producer.drain(patience));
  CHECK(messages_of(*still.handler.events, "t") == numbers(10));
  CHECK(still.producer.try_ingest("t", "10"));
  REQUIRE(still.producer.drain(patience));
  CHECK(messages_of(*still.handler.events, "t") == numbers(11));
}

TEST_CASE("ingest_within waits for as long as it is told, and no event is taken that it said no to") {
  Standstill still({.buffer_events = 4});
  CHECK(still.producer.ingest_within(0s, "t", "2"));
  CHECK(still.producer.ingest_within(1h, "t", "3"));
  const Time before = Clock::now();
  CHECK_FALSE(still.producer.ingest_within(60ms, "t", "no"));
  CHECK(Clock::now() - before >= 60ms);
  std::thread other([&] { CHECK(still.producer.ingest_within(patience, "t", "4")); });
  still.handler.gate->open();
  other.join();
  REQUIRE(still.producer.drain(patience));
  CHECK(messages_of(*still.handler.events, "t") == numbers(5));
}

TEST_CASE("ingest waits until there is room, and nothing is lost") {
  Standstill still({.buffer_events = 8});
  std::atomic<int> taken{0};
  std::thread other([&] {
    for (int i = 2; i < 500; ++i) {
      still.producer.ingest("t", std::to_string(i));
      ++taken;
    }
  });
  REQUIRE(eventually([&] { return taken == 6; }));
  CHECK_FALSE(still.producer.try_ingest("t", "no"));
  CHECK(taken == 6);
  still.handler.gate->open();
  other.join();
  REQUIRE(still.producer.drain(patience));
  CHECK(messages_of(*still.handler.events, "t") == numbers(500));
  CHECK(still.producer.stats().dropped == 0);
}

TEST_CASE("keep_last drops the oldest that were not sent, counts them by topic and reason, and tells the consumer") {
  Standstill still({.buffer_events = 10, .when_full = WhenFull::keep_last});
  for (int i = 2; i < 100; ++i) CHECK(still.producer.try_ingest("t", std::to_string(i)));
  still.handler.gate->open();
  (void)still.producer.drain(patience);
  auto expected = numbers(2);
  for (const auto& last : numbers(100, 90)) expected.push_back(last);
  CHECK(messages_of(*still.handler.events, "t") == expected);
  const ProducerStats stats = still.producer.stats();
  CHECK(stats.dropped == 88);
  CHECK(stats.drops == DropCounts{{{"t", "full"}, 88}});
  CHECK(stats.ingested == 100);
  CHECK(stats.subscribers.at(0).dropped == 88);
  REQUIRE(eventually([&] { return still.told_lost() == 88; }));
  CHECK(still.consumer->stats().lost == 88);
  CHECK(still.consumer->stats().received == 12);
}

TEST_CASE("keep_first drops what is new while the buffer is full, counts it, and tells the consumer") {
  Standstill still({.buffer_events = 10, .when_full = WhenFull::keep_first});
  for (int i = 2; i < 100; ++i) CHECK(still.producer.try_ingest("t", std::to_string(i)));
  still.handler.gate->open();
  (void)still.producer.drain(patience);
  CHECK(messages_of(*still.handler.events, "t") == numbers(10));
  CHECK(still.producer.stats().drops == DropCounts{{{"t", "full"}, 90}});
  REQUIRE(eventually([&] { return still.told_lost() == 90; }));
  still.producer.ingest("t", "100");
  (void)still.producer.drain(patience);
  CHECK(messages_of(*still.handler.events, "t").back() == "100");
  CHECK(still.consumer->stats().lost == 90);
}

TEST_CASE("without a subscriber keep_last holds the newest for the first one, who is told of the others") {
  Realm realm;
  Node node(realm.options());
  Producer<> producer(node, {.buffer_events = 10, .when_full = WhenFull::keep_last});
  for (int i = 0; i < 50; ++i) producer.ingest("t", std::to_string(i));
  Keep keep;
  Consumer<Keep> consumer(node, keep, of(producer));
  (void)producer.drain(patience);
  CHECK(messages_of(*keep.events, "t") == numbers(50, 40));
  REQUIRE(eventually([&] { return consumer.stats().lost == 40; }));
  CHECK(producer.stats().dropped == 40);
}

TEST_CASE("without a subscriber a producer that waits is full at its bound, and the first one gets everything") {
  Realm realm;
  Node node(realm.options());
  Producer<> producer(node, {.buffer_events = 10});
  for (int i = 0; i < 10; ++i) CHECK(producer.try_ingest("t", std::to_string(i)));
  CHECK_FALSE(producer.try_ingest("t", "no"));
  std::thread other([&] { producer.ingest("t", "10"); });
  Keep keep;
  Consumer<Keep> consumer(node, keep, of(producer));
  other.join();
  REQUIRE(producer.drain(patience));
  CHECK(messages_of(*keep.events, "t") == numbers(11));
}

TEST_CASE("a consumer that stands still delays nobody else until its share is full, then only what it selects waits") {
  Realm realm;
  Node node(realm.options());
  Producer<> producer(node, {.buffer_bytes = 1 << 20});
  KeepBehindGate slow;
  Keep fast;
  Consumer<KeepBehindGate> slow_consumer(node, slow, of(producer, {"slow"}));
  Consumer<Keep> fast_consumer(node, fast, of(producer, {"fast"}));
  REQUIRE(producer.wait_for_subscribers(2, patience));
  const std::string filler(1000, '.');
  int slow_taken = 0;
  int fast_taken = 0;
  while (producer.try_ingest("slow", std::to_string(slow_taken) + filler)) {
    ++slow_taken;
    REQUIRE(slow_taken < 2000);
    REQUIRE(producer.ingest_within(patience, "fast", std::to_string(fast_taken++) + filler));
  }
  MESSAGE("the one that stands still holds " << slow_taken << " KB of 1024");
  CHECK(slow_taken > 200);
  for (int i = 0; i < 3000; ++i) {
    REQUIRE(producer.ingest_within(patience, "fast", std::to_string(fast_taken++) + filler));
    // Its share grows and shrinks with what the others leave free, but never beyond that.
    if (i % 10 == 0 && producer.try_ingest("slow", std::to_string(slow_taken) + filler)) ++slow_taken;
  }
  CHECK(slow_taken < 600);
  REQUIRE(fast.events->wait_for(static_cast<std::size_t>(fast_taken)));
  CHECK(slow.events->size() == 0);
  CHECK(producer.stats().buffered_bytes <= 1 << 20);

  // Another thread waits with an event for the slow one; what others select goes on all the same.
  std::thread other([&] { producer.ingest("slow", std::to_string(slow_taken) + filler); });
  for (int i = 0; i < 1000; ++i) REQUIRE(producer.ingest_within(patience, "fast", std::to_string(fast_taken++)));
  slow.gate->open();
  other.join();
  REQUIRE(producer.drain(patience));
  CHECK(slow.events->size() == static_cast<std::size_t>(slow_taken) + 1);
  CHECK(fast.events->size() == static_cast<std::size_t>(fast_taken));
  const auto slow_events = slow.events->all();
  bool ordered = true;
  for (std::size_t i = 0; i < slow_events.size(); ++i) {
    ordered = ordered && slow_events[i].message == std::to_string(i) + filler;
  }
  CHECK(ordered);
}

TEST_CASE("an event nobody selects is never waited for") {
  Standstill still({.buffer_bytes = 256 << 10});
  Keep other;
  // Everything is selected by the one that stands still; so, a producer whose only subscriber wants another topic.
  Producer<> producer(still.node, {.buffer_bytes = 256 << 10});
  Consumer<Keep> consumer(still.node, other, of(producer, {"wanted"}));
  REQUIRE(producer.wait_for_subscribers(1, patience));
  const std::string filler(1000, '.');
  for (int i = 0; i < 2000; ++i) CHECK(producer.try_ingest("unwanted", filler));
  producer.ingest("wanted", "1");
  REQUIRE(producer.drain(patience));
  CHECK(other.events->all() == std::vector<Received>{{"wanted", "1"}});
}

TEST_CASE("an event above a quarter of the buffer is refused with a text that says the bound") {
  Realm realm;
  Node node(realm.options());
  Producer<> producer(node, {.buffer_bytes = 1 << 20});
  Keep keep;
  Consumer<Keep> consumer(node, keep, of(producer));
  const auto refused = [&](const std::string& topic, const std::string& message) {
    try {
      producer.ingest(topic, message);
    } catch (const Error& error) {
      return error.code() == ErrorCode::invalid ? std::string(error.what()) : "another code";
    }
    return std::string();
  };
  CHECK(refused("t", std::string(300 << 10, 'x')).find("at most 262144 bytes") != std::string::npos);
  CHECK(refused(std::string(70'000, 't'), "x").find("65535 of topic") != std::string::npos);
  CHECK_THROWS_AS((void)producer.try_ingest("t", std::string(300 << 10, 'x')), Error);
  CHECK(refused("t", "small") == "");
  REQUIRE(producer.drain(patience));
  CHECK(keep.events->all() == std::vector<Received>{{"t", "small"}});
}

TEST_CASE("several threads ingest at once: each one's events keep their order, and none is lost") {
  Realm realm;
  Node node(realm.options());
  Producer<> producer(node, {.buffer_bytes = 64 << 10});  // small: they wait now and then
  Keep keep;
  Consumer<Keep> consumer(node, keep, of(producer));
  constexpr int threads = 4;
  constexpr int each = 5000;
  std::vector<std::thread> running;
  for (int t = 0; t < threads; ++t) {
    running.emplace_back([&, t] {
      for (int i = 0; i < each; ++i) producer.ingest(std::to_string(t), std::to_string(i));
    });
  }
  for (std::thread& thread : running) thread.join();
  REQUIRE(producer.drain(patience));
  CHECK(keep.events->size() == threads * each);
  for (int t = 0; t < threads; ++t) CHECK((messages_of(*keep.events, std::to_string(t)) == numbers(each)));
}

struct Burst {
  void handle_produce(int count, Sink& out) {
    for (int i = 0; i < count; ++i) out.emit("t", std::to_string(i));
  }
};

TEST_CASE("a handler that emits more than there is room for waits after it has run; try_ingest takes all or nothing") {
  Realm realm;
  Node node(realm.options());
  Producer<Burst> producer(node, Burst{}, {.buffer_events = 10});
  KeepBehindGate keep;
  Consumer<KeepBehindGate> consumer(node, keep, of(producer));
  REQUIRE(producer.wait_for_subscribers(1, patience));
  CHECK(producer.try_ingest(10));
  CHECK_FALSE(producer.try_ingest(1));
  CHECK_FALSE(producer.ingest_within(10ms, 1));
  CHECK(producer.stats().ingested == 10);
  std::thread other([&] { producer.ingest(100); });
  keep.gate->open();
  other.join();
  REQUIRE(producer.drain(patience));
  auto expected = numbers(10);
  for (const auto& next : numbers(100)) expected.push_back(next);
  CHECK(messages_of(*keep.events, "t") == expected);
}

TEST_CASE("an exception of handle_produce reaches the caller of ingest, and the producer goes on") {
  Realm realm;
  Node node(realm.options());
  const auto picky = [](int n) -> Event {
    if (n < 0) throw std::range_error("negative");
    return {"t", std::to_string(n)};
  };
  Producer producer(node, picky);
  Keep keep;
  Consumer<Keep> consumer(node, keep, of(producer));
  producer.ingest(0);
  CHECK_THROWS_WITH_AS(producer.ingest(-1), "negative", std::range_error);
  CHECK_THROWS_AS((void)producer.try_ingest(-1), std::range_error);
  producer.ingest(1);
  REQUIRE(producer.drain(patience));
  CHECK(messages_of(*keep.events, "t") == numbers(2));
}

}  // namespace
}  // namespace galena::test
