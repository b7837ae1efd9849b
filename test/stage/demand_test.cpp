// SPDX-License-Identifier: Apache-2.0
// max_demand, min_demand and max_bytes, as they show from outside.
#include <doctest/doctest.h>

#include "stage/stage_fixture.hpp"

namespace galena::test {
namespace {

using namespace std::chrono_literals;

LinkInfo first_link(const Producer<>& producer) { return producer.stats().subscribers.at(0); }

TEST_CASE("a consumer that stands still has max_demand events on their way, and no more however many follow") {
  Realm realm;
  Node node(realm.options());
  Producer<> producer(node);
  for (const auto& number : numbers(1000)) producer.ingest("t", number);
  KeepBehindGate slow;
  Consumer<KeepBehindGate> consumer(node, slow, {.name = "slow", .subscriptions = {{producer, {}, 10, 5}}});
  REQUIRE(slow.gate->wait_until_reached());
  CHECK(first_link(producer).sent == 10);
  CHECK(first_link(producer).acknowledged == 0);
  Keep fast;
  Consumer<Keep> other(node, fast, {.name = "fast", .subscriptions = {{producer}}});
  REQUIRE(producer.wait_for_subscribers(2, patience));
  for (const auto& number : numbers(2000, 1000)) producer.ingest("t", number);
  REQUIRE(fast.events->wait_for(1000));
  for (const LinkInfo& link : producer.stats().subscribers) {
    if (link.consumer == "slow") CHECK(link.sent == 10);
    if (link.consumer == "slow") CHECK(link.selected == 2000);
  }
  slow.gate->open();
  REQUIRE(producer.drain(patience));
  CHECK((messages_of(*slow.events, "t") == numbers(2000)));
}

TEST_CASE("what is on its way never exceeds max_demand while events flow") {
  for (const auto& [max, min] : {std::pair{1, 0}, std::pair{7, 6}, std::pair{100, 50}, std::pair{100, 0}}) {
    Realm realm;
    Node node(realm.options());
    Producer<> producer(node);
    Keep keep;
    Subscription subscription{producer, {}, static_cast<std::uint64_t>(max), static_cast<std::uint64_t>(min)};
    Consumer<Keep> consumer(node, keep, {.subscriptions = {subscription}});
    REQUIRE(producer.wait_for_subscribers(1, patience));
    std::uint64_t most = 0;
    for (const auto& number : numbers(2000)) {
      producer.ingest("t", number);
      const LinkInfo link = first_link(producer);
      most = std::max(most, link.sent - link.acknowledged);
    }
    REQUIRE(producer.drain(patience));
    CHECK(most <= subscription.max_demand);
    CHECK((messages_of(*keep.events, "t") == numbers(2000)));
  }
}

TEST_CASE("min_demand says when more is asked for: not while more than that are left") {
  Realm realm;
  Node node(realm.options());
  Producer<> producer(node);
  for (const auto& number : numbers(100)) producer.ingest("t", number);
  Gate second;
  std::atomic<int> handled{0};
  const auto stop_at = [&](std::string_view, std::string_view) {
    if (handled == 6) second.pass();
    ++handled;
  };
  Consumer consumer(node, stop_at, {.subscriptions = {{producer, {}, 10, 3}}});
  REQUIRE(second.wait_until_reached());
  CHECK(handled == 6);
  CHECK(first_link(producer).sent == 10);  // four are left, which is more than three
  second.open();
  REQUIRE(producer.drain(patience));
  CHECK(handled == 100);
}

TEST_CASE("max_bytes bounds what is on its way, and lets one event pass it") {
  Realm realm;
  Node node(realm.options());
  Producer<> producer(node);
  const std::string large(10 << 10, 'x');
  for (int i = 0; i < 100; ++i) producer.ingest("t", large);
  KeepBehindGate slow;
  Subscription subscription{producer};
  subscription.max_bytes = 100 << 10;
  Consumer<KeepBehindGate> consumer(node, slow, {.subscriptions = {subscription}});
  REQUIRE(slow.gate->wait_until_reached());
  CHECK(first_link(producer).sent <= 10);
  CHECK(first_link(producer).sent >= 5);
  slow.gate->open();
  REQUIRE(producer.drain(patience));
  CHECK(slow.events->size() == 100);
  producer.ingest("t", std::string(1 << 20, 'y'));
  REQUIRE(producer.drain(patience));
  CHECK(slow.events->all().back().message.size() == 1 << 20);
}

TEST_CASE("a demand that asks for nothing is refused when the consumer is made, which then holds no name") {
  Realm realm;
  Node node(realm.options());
  const auto refused = [&](Subscription subscription) {
    try {
      Consumer<Keep> consumer(node, {}, {.name = global("c"), .subscriptions = {std::move(subscription)}});
    } catch (const Error& error) {
      return error.code() == ErrorCode::invalid && std::string(error.what()).find("min_demand") != std::string::npos;
    }
    return false;
  };
  CHECK(refused({global("p"), {}, 10, 10}));
  CHECK(refused({global("p"), {}, 1, 1}));
  CHECK(refused({.producer = global("p"), .max_bytes = 0}));
  Node other(realm.options());
  Consumer<Keep> consumer(other, {}, {.name = global("c"), .subscriptions = {{global("p")}}});
  CHECK(other.list().size() == 1);
}

}  // namespace
}  // namespace galena::test
