// SPDX-License-Identifier: Apache-2.0
// What handlers make without an input: at intervals, and when no input comes any more.
#include <doctest/doctest.h>

#include <thread>
#include <vector>

#include "stage/stage_fixture.hpp"

namespace galena::test {
namespace {

using namespace std::chrono_literals;

/// Passes on what it is given, and says now and then how much that was.
struct Counts {
  std::shared_ptr<std::atomic<int>> ticks = std::make_shared<std::atomic<int>>(0);
  int events = 0;
  void handle_produce(std::string_view, std::string_view message, Sink& out) {
    ++events;
    out.emit("event", message);
  }
  Event handle_tick() {
    ++*ticks;
    return {"tick", std::to_string(events)};
  }
  void handle_end(Sink& out) {
    out.emit("end", std::to_string(events));
    out.emit("last", "");
  }
};

/// Each tick says how many events came before it, and the end how many there were.
void check_order(const std::vector<Received>& all, int events) {
  REQUIRE(all.size() >= 2);
  int before = 0;
  for (const Received& each : all) {
    if (each.topic == "event") {
      ++before;
    } else if (each.topic == "tick") {
      REQUIRE(each.message == std::to_string(before));
    }
  }
  CHECK(before == events);
  CHECK(all[all.size() - 2] == Received{"end", std::to_string(events)});
  CHECK(all.back() == Received{"last", ""});
}

TEST_CASE("a relay's ticks are in order with what it makes of its input, and its end comes last") {
  for (const std::size_t threads : {0U, 1U}) {
    Realm realm;
    NodeOptions options = realm.options();
    options.threads = threads;
    Node node(options);
    Producer<> source(node);
    Counts counts;
    ProducerConsumer<Counts> relay(node, counts, {.subscriptions = {{source}}, .publish = {.tick = 1ms}});
    Keep keep;
    Consumer<Keep> consumer(node, keep, of(relay));
    REQUIRE(relay.wait_for_subscribers(1, patience));
    for (int i = 0; i < 5; ++i) {
      for (const auto& number : numbers(200)) source.ingest("t", number);
      const int ticks = *counts.ticks;
      REQUIRE(eventually([&] { return *counts.ticks > ticks; }));
    }
    REQUIRE(source.drain(patience));
    relay.stop_input();
    REQUIRE(relay.drain(patience));
    const int ticks = *counts.ticks;
    check_order(keep.events->all(), 1000);
    CHECK(relay.producer_stats().ingested == 1000U + static_cast<unsigned>(ticks) + 2U);
    CHECK(relay.handler().events == 1000);
  }
}

/// Its first tick takes as long as fifty.
struct SlowAtFirst {
  std::shared_ptr<Record<Time>> ticks = std::make_shared<Record<Time>>();
  Event handle_produce(std::string_view topic, std::string_view message) {
    return {std::string(topic), std::string(message)};
  }
  void handle_tick(Sink&) {
    ticks->add(Clock::now());
    if (ticks->size() == 1) std::this_thread::sleep_for(50ms);
  }
};

TEST_CASE("ticks that a busy handler missed are not made up for") {
  Realm realm;
  Node node(realm.options());
  SlowAtFirst slow;
  ProducerConsumer<SlowAtFirst> relay(node, slow, {.publish = {.tick = 1ms}});
  REQUIRE(slow.ticks->wait_for(32));
  const std::vector<Time> times = slow.ticks->all();
  CHECK(times[31] - times[1] >= 28ms);  // on a slow machine they take longer, never less
}

TEST_CASE(
    "a producer's ticks are in order with what it makes of ingest on several threads, and of what comes from "
    "elsewhere") {
  Realm realm;
  Node node(realm.options());
  Keep keep;
  Consumer<Keep> consumer(node, keep, of(Source("p")));
  {
    Counts counts;
    Producer<Counts> producer(node, counts, {.name = "p", .tick = 1ms});
    REQUIRE(producer.wait_for_subscribers(1, patience));
    const auto ingest = [&] {
      for (int i = 0; i < 500; ++i) {
        producer.ingest("", "m");
        if (i % 100 != 0) continue;
        const int ticks = *counts.ticks;
        CHECK(eventually([&] { return *counts.ticks > ticks; }));
      }
    };
    std::thread other(ingest);
    std::thread elsewhere([&] {
      for (int i = 0; i < 100; ++i) node.ingest_value("p", std::tuple("", "m"));
    });
    ingest();
    other.join();
    elsewhere.join();
  }  // what the end makes is drained as everything else
  REQUIRE(keep.events->wait_for_item({"last", ""}));
  check_order(keep.events->all(), 1100);
}

TEST_CASE("what is made at the end is not lost, though it is more than the buffer holds") {
  struct Much {
    void handle_produce(const EventView& event, Sink& out) { out.emit(event.topic, event.payload); }
    void handle_end(Sink& out) {
      for (const auto& number : numbers(1000)) out.emit("end", number);
    }
  };
  Realm realm;
  Node node(realm.options());
  Keep keep;
  Consumer<Keep> consumer(node, keep, of(Source("r")));
  {
    Producer<> source(node);
    ProducerConsumer<Much> relay(
        node, {}, {.name = "r", .subscriptions = {{source}}, .publish = {.buffer_events = 10, .drain = patience}});
    REQUIRE(relay.wait_for_subscribers(1, patience));
    source.ingest("t", "m");
    REQUIRE(source.drain(patience));
  }
  REQUIRE(keep.events->wait_for_item({"end", "999"}));
  CHECK(messages_of(*keep.events, "end") == numbers(1000));
  CHECK(keep.events->all().front() == Received{"t", "m"});
}

TEST_CASE("ticks do not pile up while there is no room for what they make, and go on when there is") {
  Realm realm;
  Node node(realm.options());
  Counts counts;
  Producer<Counts> producer(node, counts, {.buffer_events = 1, .drain = 0s, .tick = 1ms});
  KeepBehindGate keep;
  Consumer<KeepBehindGate> consumer(node, keep, of(producer, {}, 1));
  REQUIRE(keep.gate->wait_until_reached());
  Counts clock;
  const Producer<Counts> other(node, clock, {.drain = 0s, .tick = 1ms});  // nobody stops its ticks
  const int from = *clock.ticks;
  REQUIRE(eventually([&] { return *clock.ticks >= from + 50; }));
  CHECK(*counts.ticks <= 3);  // one is handled, one is in the buffer, one waits for room
  keep.gate->open();
  CHECK(eventually([&] { return *counts.ticks >= 10; }));
}

TEST_CASE("a tick does not wait for a slow handler: meanwhile consumers connect, and it comes afterwards") {
  struct Slow {
    std::shared_ptr<Gate> gate = std::make_shared<Gate>();
    std::shared_ptr<std::atomic<int>> ticks = std::make_shared<std::atomic<int>>(0);
    Event handle_produce(int) {
      gate->pass();
      return {"t", "m"};
    }
    void handle_tick() { ++*ticks; }
  };
  Realm realm;
  Node node(realm.options());
  Slow slow;
  Producer<Slow> producer(node, slow, {.tick = 1ms});
  std::thread other([&] { producer.ingest(1); });
  REQUIRE(slow.gate->wait_until_reached());
  const int ticks = *slow.ticks;
  Keep keep;
  Consumer<Keep> consumer(node, keep, of(producer));
  CHECK(producer.wait_for_subscribers(1, patience));
  CHECK(*slow.ticks == ticks);  // calls of one handler do not overlap
  slow.gate->open();
  CHECK(eventually([&] { return *slow.ticks > ticks; }));
  other.join();
  CHECK(producer.drain(patience));
}

struct Ends {
  std::shared_ptr<Record<std::string>> calls = std::make_shared<Record<std::string>>();
  std::string throws_in = "nowhere";
  void call(const std::string& name) {
    calls->add(name);
    if (throws_in == name) throw std::runtime_error("in " + name);
  }
  void handle_produce(std::string_view, std::string_view message, Sink&) {
    if (message == "enough") throw Enough{};
    call("produce");
  }
  void handle_tick() {
    if (throws_in == "tick") call("tick");
  }
  void handle_end() { call("end"); }
};

TEST_CASE("handle_end is called once, whatever ends the input; and not after the handler has failed") {
  Realm realm;
  Node node(realm.options());
  std::optional<Producer<>> source;
  const auto calls_of = [&](const std::string& throws_in, const std::function<void(ProducerConsumer<Ends>&)>& end) {
    source.emplace(node, ProducerOptions{.drain = 0s});  // what one leaves is not for the next
    Ends ends{.throws_in = throws_in};
    {
      ProducerConsumer<Ends> relay(node, ends, {.subscriptions = {{*source}}, .publish = {.tick = 1ms}});
      if (throws_in != "tick") {  // which ends it before that
        REQUIRE(eventually([&] { return relay.consumer_stats().states == std::vector{State::connected}; }));
      }
      end(relay);
    }
    return ends.calls->all();
  };
  using Calls = std::vector<std::string>;
  const auto drain = [&](ProducerConsumer<Ends>&) {
    source->ingest("t", "m");
    REQUIRE(source->drain(patience));
  };
  CHECK(calls_of("nowhere", drain) == Calls{"produce", "end"});
  CHECK(calls_of("nowhere", [&](auto& relay) {
          drain(relay);
          relay.stop_input();
          relay.stop_input();
        }) == Calls{"produce", "end"});
  CHECK(calls_of("nowhere", [](auto& relay) { relay.close(); }) == Calls{"end"});
  CHECK(calls_of("nowhere", [&](auto& relay) {
          source->ingest("t", "enough");
          CHECK(relay.wait(patience));
        }) == Calls{"end"});
  const auto fails = [](auto& relay) { CHECK_THROWS_AS((void)relay.wait(patience), std::runtime_error); };
  CHECK(calls_of("tick", fails) == Calls{"tick"});
  CHECK(calls_of("end", [&](auto& relay) {
          relay.stop_input();
          fails(relay);
        }) == Calls{"end"});
}

TEST_CASE("what a producer's handle_tick throws stops the stage: Node::run() rethrows, and nothing is taken any more") {
  Realm realm;
  Node node(realm.options());
  Ends ends{.throws_in = "tick"};
  Producer<Ends> producer(node, ends, {.name = "p", .drain = 0s, .tick = 1ms});
  CHECK_THROWS_WITH_AS(node.run(), "in tick", std::runtime_error);
  CHECK(realm.logged("p: stops: its handler failed: in tick"));
  CHECK(eventually([&] {
    try {
      return !producer.try_ingest("t", "m");
    } catch (const Error& error) {
      return error.code() == ErrorCode::stopped;
    }
  }));
}

TEST_CASE("a tick without a handle_tick is refused, and a handle_tick without a tick") {
  Realm realm;
  Node node(realm.options());
  const auto refused = [](const std::function<void()>& call) -> std::string {
    try {
      call();
    } catch (const Error& error) {
      return error.code() == ErrorCode::invalid ? error.what() : "another error";
    }
    return "taken";
  };
  CHECK(refused([&] { Producer<> producer(node, {.name = "p", .tick = 1s}); }) ==
        "p: its handler has no handle_tick, which `tick` would call");
  CHECK(refused([&] { Producer<Counts> producer(node, {}, {.name = "p"}); }) ==
        "p: its handler has handle_tick: say how often it is called, by `tick`");
  CHECK(refused([&] { Producer<Counts> producer(node, {}, {.name = "p", .tick = -1s}); }) ==
        "p: its handler has handle_tick: say how often it is called, by `tick`");
}

}  // namespace
}  // namespace galena::test
