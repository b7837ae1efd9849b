// SPDX-License-Identifier: Apache-2.0
// Handlers run outside of the producer's lock: what else goes on while one runs, and what one may call.
#include <atomic>
#include <barrier>

#include <doctest/doctest.h>

#include "stage/raw_peer.hpp"
#include "stage/stage_fixture.hpp"

namespace galena::test {
namespace {

using namespace std::chrono_literals;

TEST_CASE("while a handler runs, events before it are delivered, a consumer connects, and stats() answers") {
  Realm realm;
  Node node(realm.options());
  GatedMaker maker;
  Producer<GatedMaker> producer(node, maker);
  Keep first;
  Consumer<Keep> consumer(node, first, of(producer));
  REQUIRE(producer.wait_for_subscribers(1, patience));
  std::thread caller([&] {
    producer.ingest(0);
    producer.ingest(1);
  });
  REQUIRE(maker.gate->wait_until_reached());
  CHECK(first.events->wait_for(1));
  CHECK(eventually([&] { return producer.stats().outstanding == 0; }));  // it is acknowledged, too
  Keep second;
  Consumer<Keep> later(node, second, of(producer));
  CHECK(producer.wait_for_subscribers(2, patience));
  maker.gate->open();
  caller.join();
  REQUIRE(producer.drain(patience));
  CHECK(messages_of(*first.events, "t") == numbers(2));
  CHECK(messages_of(*second.events, "t") == numbers(2, 1));
}

TEST_CASE("a link does not break while a handler runs for longer than the peers' liveness") {
  Realm realm;
  Node node(realm.options(500ms));
  GatedMaker maker;
  Producer<GatedMaker> producer(node, maker, {.name = global("p")});
  Keep keep;
  Record<State> states;
  auto options = of(producer);
  options.on_state = [&](const Source&, State state) { states.add(state); };
  Consumer<Keep> consumer(node, keep, std::move(options));
  RawHeartbeats heartbeats(endpoint_of(node, "p"));
  REQUIRE(producer.wait_for_subscribers(2, patience));
  std::thread caller([&] { producer.ingest(1); });
  REQUIRE(maker.gate->wait_until_reached());
  CHECK(heartbeats.wait_for(12));  // three times the liveness

  maker.gate->open();
  caller.join();
  CHECK(keep.events->wait_for(1));
  const auto all = states.all();
  CHECK(std::count(all.begin(), all.end(), State::lost) == 0);
  CHECK(messages_of(*keep.events, "t") == numbers(2, 1));
}

TEST_CASE("a thread that ingests in a loop lets others in: a slow handler's producer takes turns") {
  Realm realm;
  Node node(realm.options());
  std::atomic<bool> over{false};
  std::atomic<int> turns{0};
  const auto slow = [&](int n) {
    std::this_thread::sleep_for(1ms);
    ++turns;
    return Event("t", n);
  };
  Producer producer(node, slow, {.when_full = WhenFull::keep_last, .drain = 0s});
  std::thread loop([&] {
    while (!over) producer.ingest(0);
  });
  REQUIRE(eventually([&] { return turns > 2; }));
  int most = 0;
  for (int i = 0; i < 20; ++i) {
    const int before = turns;
    producer.ingest(1);
    most = std::max(most, turns - before);
  }
  over = true;
  loop.join();
  CHECK(most < 20);  // its own turn, and two or three of the other's; without turns it is hundreds
}

TEST_CASE("a handler may ask for its producer's stats, and ingest into another producer") {
  Realm realm;
  Node node(realm.options());
  Producer<> other(node);
  Keep keep;
  Consumer<Keep> consumer(node, keep, of(other));
  std::function<std::uint64_t()> ingested;
  const auto asking = [&](int n) {
    other.ingest("t", std::to_string(n));
    return Event("t", std::to_string(ingested()));
  };
  Producer producer(node, asking);
  ingested = [&] { return producer.stats().ingested; };
  Keep own;
  Consumer<Keep> taker(node, own, of(producer));
  for (int n = 0; n < 3; ++n) producer.ingest(n);
  REQUIRE(producer.drain(patience));
  REQUIRE(other.drain(patience));
  CHECK(messages_of(*own.events, "t") == numbers(3));
  CHECK(messages_of(*keep.events, "t") == numbers(3));
}

/// A relay's: passes events on, and stands at a gate before the third.
struct GatedRelay {
  std::shared_ptr<Gate> gate = std::make_shared<Gate>();
  int seen = 0;
  EventView handle_produce(const EventView& event) {
    if (++seen == 3) gate->pass();
    std::this_thread::sleep_for(2ms);  // a slow handler
    return event;
  }
};

TEST_CASE("what a slow relay made of an event leaves before its handler is called for another") {
  Realm realm;
  Node node(realm.options());
  const auto all_at_once = [](int count, Sink& sink) {  // they come in one frame
    for (const auto& number : numbers(count)) sink.emit("t", number);
  };
  Producer producer(node, all_at_once);
  GatedRelay handler;
  ProducerConsumer relay(node, handler, {.name = "relay", .subscriptions = {{producer}}});
  Keep keep;
  Consumer<Keep> consumer(node, keep, of("relay"));
  REQUIRE(relay.wait_for_subscribers(1, patience));
  REQUIRE(producer.wait_for_subscribers(1, patience));
  producer.ingest(5);
  REQUIRE(handler.gate->wait_until_reached());
  CHECK(keep.events->wait_for(2));
  handler.gate->open();
  REQUIRE(producer.drain(patience));
  REQUIRE(relay.drain(patience));
  CHECK(messages_of(*keep.events, "t") == numbers(5));
}

std::string text_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code() == ErrorCode::invalid ? error.what() : "another code: " + std::string(error.what());
  }
  return "it worked";
}

TEST_CASE("a handler that ingests into its own producer is told so, by ingest and try_ingest, and can go on") {
  Realm realm;
  Node node(realm.options());
  std::function<void(int)> again;
  std::vector<std::string> texts;
  const auto selfish = [&](int n) {
    texts.push_back(text_of([&] { again(n); }));
    return Event("t", std::to_string(n));
  };
  Producer producer(node, selfish);
  Keep keep;
  Consumer<Keep> consumer(node, keep, of(producer));
  again = [&](int n) { producer.ingest(n); };
  producer.ingest(0);
  again = [&](int n) { (void)producer.try_ingest(n); };
  producer.ingest(1);
  REQUIRE(producer.drain(patience));
  REQUIRE(texts.size() == 2);
  for (const std::string& text : texts) CHECK(text.find("ingests into its own producer") != std::string::npos);
  CHECK(messages_of(*keep.events, "t") == numbers(2));
}

TEST_CASE("handlers that ingest into each other's producers from two threads: one is told, and both end") {
  Realm realm;
  Node node(realm.options());
  std::barrier both(2);
  std::function<std::string()> to_left;
  std::function<std::string()> to_right;
  struct Crossing {
    std::barrier<>* both;
    std::function<std::string()>* other;
    Event handle_produce(bool first) {
      if (!first) return {"t", "inner"};
      both->arrive_and_wait();
      return {"t", (*other)()};
    }
  };
  Producer<Crossing> left(node, Crossing{&both, &to_right});
  Producer<Crossing> right(node, Crossing{&both, &to_left});
  to_left = [&] { return text_of([&] { left.ingest(false); }); };
  to_right = [&] { return text_of([&] { right.ingest(false); }); };
  Keep keep;
  Consumer<Keep> consumer(node, keep, {.subscriptions = {{left}, {right}}});
  REQUIRE(left.wait_for_subscribers(1, patience));
  REQUIRE(right.wait_for_subscribers(1, patience));
  std::thread other([&] { right.ingest(true); });
  left.ingest(true);
  other.join();
  REQUIRE(left.drain(patience));
  REQUIRE(right.drain(patience));
  auto said = messages_of(*keep.events, "t");
  std::sort(said.begin(), said.end());
  REQUIRE(said.size() == 3);
  CHECK(said[0].find("each waits for the other") != std::string::npos);
  CHECK(said[1] == "inner");
  CHECK(said[2] == "it worked");
}

TEST_CASE("of what a handler emits before it throws nothing is published") {
  Realm realm;
  Node node(realm.options());
  const auto failing = [](int n, Sink& out) {
    out.emit("t", std::to_string(n));
    if (n < 0) throw std::range_error("negative");
  };
  Producer producer(node, failing);
  Keep keep;
  Consumer<Keep> consumer(node, keep, of(producer));
  producer.ingest(0);
  CHECK_THROWS_AS(producer.ingest(-1), std::range_error);
  producer.ingest(1);
  REQUIRE(producer.drain(patience));
  CHECK(messages_of(*keep.events, "t") == numbers(2));
  CHECK(producer.stats().dropped == 0);
}

struct NumberRange {
  void handle_produce(std::pair<int, int> range, Sink& out) {
    for (int i = range.first; i < range.second; ++i) out.emit("t", std::to_string(i));
  }
};

TEST_CASE("of several events at once, try_ingest and ingest_within take all or none") {
  Realm realm;
  Node node(realm.options());
  Producer<NumberRange> producer(node, NumberRange{}, {.buffer_events = 10});
  KeepBehindGate keep;
  Consumer<KeepBehindGate> consumer(node, keep, of(producer));
  REQUIRE(producer.wait_for_subscribers(1, patience));
  CHECK(producer.try_ingest(std::pair(0, 9)));
  CHECK_FALSE(producer.try_ingest(std::pair(9, 11)));
  CHECK_FALSE(producer.ingest_within(10ms, std::pair(9, 11)));
  CHECK(producer.stats().ingested == 9);
  CHECK(producer.try_ingest(std::pair(9, 10)));
  CHECK_THROWS_AS((void)producer.try_ingest(std::pair(10, 21)), Error);  // never fit together
  keep.gate->open();
  CHECK(producer.ingest_within(patience, std::pair(10, 20)));
  producer.ingest(std::pair(20, 40));  // one by one
  REQUIRE(producer.drain(patience));
  CHECK(messages_of(*keep.events, "t") == numbers(40));
}

TEST_CASE("the same where bytes are the bound, with views of their own for some topics") {
  Realm realm;
  Node node(realm.options());
  const auto several = [](int count, Sink& out) {
    for (int i = 0; i < count; ++i) out.emit(i % 2 == 0 ? "a" : "b", std::string(1000, 'x'));
  };
  Producer producer(node, several, {.buffer_bytes = 256 << 10});
  KeepBehindGate slow;
  Consumer<KeepBehindGate> consumer(node, slow, of(producer, {"a"}));
  REQUIRE(producer.wait_for_subscribers(1, patience));
  std::uint64_t taken = 0;
  while (producer.try_ingest(20)) taken += 20;
  CHECK(taken >= 100);  // half of the buffer is for the slow one
  CHECK(producer.stats().ingested == taken);
  CHECK(producer.stats().buffered_bytes <= 256 << 10);
  slow.gate->open();
  CHECK(producer.ingest_within(patience, 20));
  REQUIRE(producer.drain(patience));
  CHECK(slow.events->size() == (taken + 20) / 2);
}

}  // namespace
}  // namespace galena::test
