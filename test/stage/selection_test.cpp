// SPDX-License-Identifier: Apache-2.0
// Which events arrive: exact topics, prefixes, everything; topics and messages of any bytes and of any size.
#include <doctest/doctest.h>

#include "stage/stage_fixture.hpp"

namespace galena::test {
namespace {

using namespace std::string_literals;

std::vector<std::string> topics_of(const Keep& keep) {
  std::vector<std::string> topics;
  for (const Received& each : keep.events->all()) topics.push_back(each.topic);
  return topics;
}

TEST_CASE("exact topics select themselves, prefixes what starts so, none everything; all at once, each once") {
  Realm realm;
  Node node(realm.options());
  Producer<> producer(node);
  Keep exact;
  Keep starts;
  Keep all;
  Keep mixed;
  Keep nothing;
  Keep same;
  using Stage = Consumer<Keep>;
  Stage c1(node, exact, {.subscriptions = {{producer, {"a/b", "c"}}}});
  Stage c2(node, starts, {.subscriptions = {{producer, {prefix("a/")}}}});
  Stage c3(node, all, {.subscriptions = {{producer}}});
  Stage c4(node, mixed, {.subscriptions = {{producer, {prefix("a"), "a/b", prefix("a/"), "c"}}}});
  Stage c5(node, nothing, {.subscriptions = {{producer, {"a/", "A/B", "nobody"}}}});
  Stage c6(node, same, {.subscriptions = {{producer, {"c", "a/b"}}}});
  REQUIRE(producer.wait_for_subscribers(6, patience));
  const std::vector<std::string> sent{"a/b", "a", "c", "a/c", "b", "a/b", "ca", ""};
  for (const std::string& topic : sent) producer.ingest(topic, topic);
  REQUIRE(producer.drain(patience));
  using List = std::vector<std::string>;
  CHECK(topics_of(exact) == List{"a/b", "c", "a/b"});
  CHECK(topics_of(starts) == List{"a/b", "a/c", "a/b"});
  CHECK(topics_of(all) == sent);
  CHECK(topics_of(mixed) == List{"a/b", "a", "c", "a/c", "a/b"});
  CHECK(topics_of(nothing).empty());
  CHECK(topics_of(same) == topics_of(exact));
  for (const LinkInfo& link : producer.stats().subscribers) CHECK(link.sent == link.selected);
}

TEST_CASE("two subscriptions of one consumer to one producer each get what they select") {
  Realm realm;
  Node node(realm.options());
  Producer<> producer(node);
  Keep keep;
  Consumer<Keep> consumer(node, keep, {.subscriptions = {{producer, {"a"}}, {producer, {"b"}}}});
  REQUIRE(producer.wait_for_subscribers(2, patience));
  for (const auto& number : numbers(50)) {
    producer.ingest("a", number);
    producer.ingest("b", number);
    producer.ingest("c", number);
  }
  REQUIRE(producer.drain(patience));
  CHECK(messages_of(*keep.events, "a") == numbers(50));
  CHECK(messages_of(*keep.events, "b") == numbers(50));
  CHECK(keep.events->size() == 100);
}

TEST_CASE("topics and messages are any bytes: empty, NUL, high ones, and long topics") {
  Realm realm;
  Node node(realm.options());
  Producer<> producer(node, {.name = global("p")});
  std::string every_byte;
  for (int i = 0; i < 256; ++i) every_byte.push_back(static_cast<char>(i));
  const std::string long_topic(65'535, 't');
  const std::vector<Received> sent{{"", ""},          {"", "x"},           {"\0"s, "\0\0"s},      {"a\0b"s, every_byte},
                                   {every_byte, "y"}, {long_topic, "end"}, {"\xff\xfe"s, "\n\t"s}};
  Keep all;
  Keep some;
  Consumer<Keep> one(node, all, {.subscriptions = {{global("p")}}});
  Consumer<Keep> two(node, some,
                     {.subscriptions = {{global("p"), {"a\0b"s, "", every_byte, long_topic, prefix("\xff"s)}}}});
  REQUIRE(producer.wait_for_subscribers(2, patience));
  for (const Received& each : sent) producer.ingest(each.topic, each.message);
  REQUIRE(producer.drain(patience));
  CHECK((all.events->all() == sent));
  const std::vector<Received> selected{sent[0], sent[1], sent[3], sent[4], sent[5], sent[6]};
  CHECK((some.events->all() == selected));
}

TEST_CASE("events from 1 byte to 16 MiB arrive whole and in order, over TCP and within the process") {
  Realm realm;
  Node node(realm.options());
  Node other(realm.options());
  Producer<> producer(node, {.name = global("p"), .buffer_bytes = 128 << 20});
  const auto size_of = [](std::string_view, std::string_view message) {
    const bool whole = message.find_first_not_of(message.front()) == std::string_view::npos;
    return std::pair{message.size(), whole};
  };
  Record<std::pair<std::size_t, bool>> near;
  Record<std::pair<std::size_t, bool>> far;
  const auto keep_near = [&](std::string_view t, std::string_view m) { near.add(size_of(t, m)); };
  const auto keep_far = [&](std::string_view t, std::string_view m) { far.add(size_of(t, m)); };
  Consumer inside(node, keep_near, {.subscriptions = {{global("p")}}});
  Consumer outside(other, keep_far, {.subscriptions = {{global("p"), {"t"}}}});
  REQUIRE(producer.wait_for_subscribers(2, patience));
  std::vector<std::pair<std::size_t, bool>> expected;
  for (const std::size_t size : {1U, 2U, 255U, 256U, 65'535U, 65'536U, 262'144U, 1U << 20, 3U, 16U << 20, 5U}) {
    producer.ingest("t", std::string(size, static_cast<char>('a' + expected.size())));
    expected.emplace_back(size, true);
  }
  REQUIRE(producer.drain(patience));
  CHECK((near.all() == expected));
  CHECK((far.all() == expected));
}

}  // namespace
}  // namespace galena::test
