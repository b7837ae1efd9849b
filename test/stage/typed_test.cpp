// SPDX-License-Identifier: Apache-2.0
// What handlers may look like, and how C++ values travel.
#include <doctest/doctest.h>

#include <array>
#include <map>

#include "stage/stage_fixture.hpp"

namespace galena::test {
namespace {

using namespace std::string_literals;

struct Reading {
  std::string sensor;
  double celsius = 0;
  std::vector<int> history;
  MSGPACK_DEFINE(sensor, celsius, history)
  friend bool operator==(const Reading&, const Reading&) = default;
};

struct Pair {
  Realm realm;
  Node node{realm.options()};
  Producer<> producer{node};
  ConsumerOptions all() const { return {.subscriptions = {{producer}}}; }
};

/// What a consumer of M gets of this value.
template <class M, class V>
M through(const V& value) {
  Pair pair;
  std::optional<M> got;
  const auto keep = [&got](std::string_view, const M& message) { got = message; };
  Consumer consumer(pair.node, keep, pair.all());
  pair.producer.ingest("t", value);
  REQUIRE(pair.producer.drain(patience));
  REQUIRE(consumer.stats().mismatched == 0);
  return got.value();
}

TEST_CASE("values that MessagePack can pack arrive as they were") {
  const Reading reading{"oven", 180.5, {1, 2, 3}};
  CHECK(through<Reading>(reading) == reading);
  CHECK(through<int>(-7) == -7);
  CHECK(through<std::uint64_t>(~0ULL) == ~0ULL);
  CHECK(through<double>(2.5) == 2.5);
  CHECK(through<bool>(true));
  const std::vector<Reading> readings(3, reading);
  CHECK(through<std::vector<Reading>>(readings) == readings);
  const std::map<std::string, int> map{{"a", 1}, {"b", 2}};
  CHECK(through<std::map<std::string, int>>(map) == map);
}

TEST_CASE("what is text or bytes travels raw, between any of its types") {
  const std::string text = "text\0with NUL"s;
  CHECK(through<std::string>(text) == text);
  CHECK(through<std::string>("literal") == "literal");
  CHECK(through<std::string>(std::string_view("view")) == "view");
  const std::array<std::byte, 3> bytes{std::byte{0}, std::byte{255}, std::byte{7}};
  const std::vector<std::byte> vector(bytes.begin(), bytes.end());
  CHECK(through<std::vector<std::byte>>(bytes) == vector);
  CHECK(through<std::vector<std::byte>>(std::span<const std::byte>(bytes)) == vector);
  CHECK(through<std::string>(vector) == "\0\xff\x07"s);
}

TEST_CASE("views given to a handler see the event where it lies; spans and strings alike") {
  Pair pair;
  std::string as_span;
  std::string as_view;
  const auto span = [&](std::string_view, std::span<const std::byte> bytes) {
    as_span.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  };
  const auto view = [&](std::string_view, std::string_view message) { as_view = message; };
  Consumer one(pair.node, span, pair.all());
  Consumer two(pair.node, view, pair.all());
  REQUIRE(pair.producer.wait_for_subscribers(2, patience));
  pair.producer.ingest("t", "seen");
  REQUIRE(pair.producer.drain(patience));
  CHECK(as_span == "seen");
  CHECK(as_view == "seen");
}

struct Everything {
  std::shared_ptr<Record<std::string>> seen = std::make_shared<Record<std::string>>();
  void handle_consume(const EventView& event) {
    seen->add(std::string(event.topic) + (event.encoding == Encoding::raw ? " raw" : " msgpack"));
  }
};

int free_calls = 0;
void free_handler(std::string_view, std::string_view) { ++free_calls; }

TEST_CASE("a handler may be a struct, a lambda, a generic lambda or a function; with EventView it sees any message") {
  Pair pair;
  Everything everything;
  Consumer<Everything> views(pair.node, everything, pair.all());
  std::string generic;
  const auto any = [&](auto topic, auto message) { generic += std::string(topic) + "=" + std::string(message); };
  Consumer lambda(pair.node, any, {.subscriptions = {{pair.producer, {"raw"}}}});
  Consumer function(pair.node, &free_handler, {.subscriptions = {{pair.producer, {"raw"}}}});
  REQUIRE(pair.producer.wait_for_subscribers(3, patience));
  pair.producer.ingest("raw", "1");
  pair.producer.ingest("packed", 1);
  REQUIRE(pair.producer.drain(patience));
  CHECK(everything.seen->all() == std::vector<std::string>{"raw raw", "packed msgpack"});
  CHECK(generic == "raw=1");
  CHECK(free_calls == 1);
}

TEST_CASE("a producer's handler may return one event, perhaps one, many, or put them into a sink") {
  Realm realm;
  Node node(realm.options());
  Keep keep;
  const auto one = [](int n) { return Event("one", std::to_string(n)); };
  const auto perhaps = [](int n) { return n % 2 == 0 ? std::optional<Event>(Event("even", "x")) : std::nullopt; };
  const auto many = [](int n) { return std::vector<Event>(static_cast<std::size_t>(n), Event("many", "x")); };
  const auto sink = [](int n, Sink& out) {
    out.emit("sink", "raw");
    out.emit("sink packed", n);
  };
  Producer p1(node, one);
  Producer p2(node, perhaps);
  Producer p3(node, many);
  Producer p4(node, sink);
  Everything everything;
  Consumer<Everything> consumer(node, everything, {.subscriptions = {{p1}, {p2}, {p3}, {p4}}});
  for (int i = 0; i < 3; ++i) {
    p1.ingest(i);
    p2.ingest(i);
    p3.ingest(i);
    p4.ingest(i);
  }
  REQUIRE((p1.drain(patience) && p2.drain(patience) && p3.drain(patience) && p4.drain(patience)));
  std::map<std::string, int> counts;
  for (const std::string& each : everything.seen->all()) ++counts[each];
  CHECK(counts == std::map<std::string, int>{
                      {"one raw", 3}, {"even raw", 2}, {"many raw", 3}, {"sink raw", 3}, {"sink packed msgpack", 3}});
}

struct Half {
  std::optional<Event> handle_produce(std::string_view topic, int n) {
    if (n % 2 != 0) return std::nullopt;
    return Event(std::string(topic) + "/half", n / 2);
  }
};

TEST_CASE("a relay takes typed messages and makes others") {
  Pair pair;
  ProducerConsumer relay(pair.node, Half{}, {.subscriptions = {{pair.producer}}});
  std::vector<int> got;
  const auto keep = [&](std::string_view topic, int n) { got.push_back(topic == "n/half" ? n : -1); };
  Consumer consumer(pair.node, keep, {.subscriptions = {{relay}}});
  REQUIRE(relay.wait_for_subscribers(1, patience));
  for (int i = 0; i < 6; ++i) pair.producer.ingest("n", i);
  REQUIRE(pair.producer.drain(patience));
  REQUIRE(relay.drain(patience));
  CHECK(got == std::vector<int>{0, 1, 2});
}

TEST_CASE("messages of another type are skipped, counted by topic and producer, and reported") {
  Realm realm;
  Node node(realm.options());
  Producer<> one(node, {.name = "one"});
  Producer<> two(node, {.name = "two"});
  std::vector<int> got;
  const auto keep = [&](std::string_view, int n) { got.push_back(n); };
  Consumer consumer(node, keep, {.name = "reader", .subscriptions = {{one}, {two}}});
  one.ingest("a", "raw");
  one.ingest("a", std::vector<int>{1});
  one.ingest("a", 1);
  one.ingest("b", Reading{});
  two.ingest("a", 2.5);
  two.ingest("a", 1);
  REQUIRE((one.drain(patience) && two.drain(patience)));
  CHECK(got == std::vector<int>{1, 1});
  const ConsumerStats stats = consumer.stats();
  CHECK(stats.received == 6);
  CHECK(stats.mismatched == 4);
  CHECK(stats.mismatches == DropCounts{{{"a", "one"}, 2}, {{"b", "one"}, 1}, {{"a", "two"}, 1}});
  CHECK(realm.logged("reader: a message of 3 bytes on topic 'a' of one is not of the handler's type (raw)"));
}

TEST_CASE("a message of another type stops the stage if it is told so, and wait() says which one it was") {
  Pair pair;
  std::vector<int> got;
  const auto keep = [&](std::string_view, int n) { got.push_back(n); };
  Consumer consumer(pair.node, keep, {.subscriptions = {{pair.producer}}, .on_mismatch = OnMismatch::stop});
  pair.producer.ingest("t", 1);
  pair.producer.ingest("t", "raw");
  pair.producer.ingest("t", 2);
  try {
    consumer.wait();
    FAIL("it should have thrown");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::handler);
    CHECK(std::string(error.what()).find("on topic 't'") != std::string::npos);
  }
  CHECK(got == std::vector<int>{1});
  CHECK(consumer.stats().mismatched == 1);
}

TEST_CASE("hostile MessagePack of deep nesting or huge lengths is a mismatch, and costs nothing") {
  Pair pair;
  std::size_t got = 0;
  const auto keep = [&](std::string_view, const std::vector<int>& numbers) { got += numbers.size(); };
  Consumer consumer(pair.node, keep, pair.all());
  // An EventView goes as it is: what a peer might send.
  const auto raw = [](std::string_view payload) { return EventView{"t", payload, Encoding::msgpack}; };
  const auto pass = [](const EventView& event) { return event; };
  Producer producer(pair.node, pass);
  Consumer other(pair.node, keep, {.subscriptions = {{producer}}});
  producer.ingest(raw(std::string(100'000, '\x91')));
  producer.ingest(raw("\xdd\xff\xff\xff\xff"));
  producer.ingest(raw("\xdb\xff\xff\xff\xff"));
  producer.ingest(raw(""));
  producer.ingest(raw("\xc1"));
  producer.ingest(raw("\x91\x01\x01"));
  producer.ingest(raw("\x92\x01\x02"));
  REQUIRE(producer.drain(patience));
  CHECK(other.stats().mismatched == 6);
  CHECK(got == 2);
}

}  // namespace
}  // namespace galena::test
