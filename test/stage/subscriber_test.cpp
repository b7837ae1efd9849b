// SPDX-License-Identifier: Apache-2.0
// A producer is told of those who subscribe to it.
#include <doctest/doctest.h>

#include "stage/stage_fixture.hpp"

namespace galena::test {
namespace {

using namespace std::chrono_literals;

/// What on_subscriber is told, in words.
struct Told {
  std::shared_ptr<Record<std::string>> lines = std::make_shared<Record<std::string>>();
  void operator()(const LinkInfo& who, SubscriberChange change, const std::string& reason) const {
    std::string line = who.consumer + " " + std::string(to_string(change));
    if (!reason.empty()) line += " (" + reason + ")";
    if (!who.identity.empty()) line += " as " + who.identity;
    const std::uint64_t owed = who.selected - who.acknowledged - who.dropped;
    if (owed > 0) line += ", owed " + std::to_string(owed);
    lines->add(line);
  }
};
using Lines = std::vector<std::string>;

TEST_CASE("a producer is told who subscribes, who leaves, and why") {
  Realm realm;
  Node node(realm.options());
  Told told;
  Keep keep;
  Producer<> producer(node, {.on_subscriber = told});
  {
    Consumer<Keep> consumer(node, keep, {.name = "c", .subscriptions = {{producer}}});
    REQUIRE(told.lines->wait_for(1));
  }
  REQUIRE(told.lines->wait_for(2));
  CHECK(told.lines->all() == Lines{"c joined", "c gone (cancelled)"});
}

TEST_CASE("a producer is told whose place it holds, who takes it up, and what is lost with one that does not return") {
  Realm realm;
  Node node(realm.options());
  Told told;
  Keep keep;
  const auto consumer = [&](Producer<>& producer, const std::string& name) {
    return Consumer<Keep>(node, keep, {.name = name, .subscriptions = {{producer}}, .identity = "me"});
  };
  {
    Producer<> producer(node, {.drain = 0s, .on_subscriber = told});
    {
      const auto first = consumer(producer, "a");
      REQUIRE(told.lines->wait_for(1));
    }
    REQUIRE(told.lines->wait_for(2));
    {
      const auto second = consumer(producer, "b");
      REQUIRE(told.lines->wait_for(3));
    }
    REQUIRE(told.lines->wait_for(4));
    for (const auto& number : numbers(3)) producer.ingest("t", number);
    const LinkInfo held = producer.stats().subscribers.at(0);
    CHECK(held.held() == 3);
    CHECK(held.held_bytes >= 3 * 2);  // topics and messages
    CHECK(held.held_bytes < 200);
  }
  CHECK(told.lines->all() == Lines{"a joined as me", "a away (away) as me", "b returned as me", "b away (away) as me",
                                   "b gone (lost) as me, owed 3"});
}

TEST_CASE("on_subscriber may ask its producer, and ingest into it; what it throws stops the stage") {
  Realm realm;
  Node node(realm.options());
  std::atomic<Producer<>*> self{nullptr};
  Producer<> producer(
      node, {.name = "p", .drain = 0s, .on_subscriber = [&](const LinkInfo& who, SubscriberChange, const std::string&) {
               if (who.consumer == "unwanted") throw std::runtime_error("not that one");
               self.load()->ingest("welcome", who.consumer);
               self.load()->ingest("there are", self.load()->stats().subscribers.size() == 1 ? "1" : "?");
             }});
  self = &producer;
  Keep keep;
  Consumer<Keep> consumer(node, keep, {.name = "c", .subscriptions = {{"p"}}});
  REQUIRE(keep.events->wait_for(2));
  CHECK(keep.events->all() == std::vector<Received>{{"welcome", "c"}, {"there are", "1"}});
  Consumer<Keep> unwanted(node, keep, {.name = "unwanted", .subscriptions = {{"p"}}});
  CHECK_THROWS_WITH_AS(node.run(), "not that one", std::runtime_error);
  CHECK(realm.logged("p: stops: its on_subscriber failed: not that one"));
}

TEST_CASE("two statistics say when they were made, for a rate") {
  Realm realm;
  Node node(realm.options());
  Producer<> producer(node, {.drain = 0s});
  Keep keep;
  Consumer<Keep> consumer(node, keep, of(producer));
  const ProducerStats before = producer.stats();
  const ConsumerStats received_before = consumer.stats();
  for (const auto& number : numbers(10)) producer.ingest("t", number);
  REQUIRE(producer.drain(patience));
  const ProducerStats after = producer.stats();
  CHECK(after.at > before.at);
  CHECK(after.ingested - before.ingested == 10);
  CHECK(consumer.stats().at > received_before.at);
  CHECK(after.subscribers.at(0).held_bytes == 0);
}

TEST_CASE("a producer says how long its oldest event has been waiting, here and elsewhere") {
  Realm realm;
  Node node(realm.options(400ms));  // it looks every 50 ms
  Producer<> producer(node, {.name = global("p"), .drain = 0s});
  CHECK(producer.stats().oldest == 0s);
  const Time before = Clock::now();
  producer.ingest("t", "0");
  REQUIRE(eventually([&] { return producer.stats().oldest >= 300ms; }));
  producer.ingest("t", "1");  // a young one changes nothing
  REQUIRE(eventually([&] { return node.stats(global("p"), patience).oldest >= 500ms; }));
  CHECK(producer.stats().oldest <= Clock::now() - before);
  Keep keep;
  Consumer<Keep> consumer(node, keep, of(global("p"), {"t"}));
  REQUIRE(producer.drain(patience));
  CHECK(producer.stats().oldest == 0s);
  // Somebody who selects only other topics has nothing that waits.
  producer.ingest("other", "2");
  REQUIRE(eventually([&] { return producer.stats().outstanding == 0; }));
  CHECK(producer.stats().oldest == 0s);
}

}  // namespace
}  // namespace galena::test
