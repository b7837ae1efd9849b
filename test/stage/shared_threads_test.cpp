// SPDX-License-Identifier: Apache-2.0
// NodeOptions.threads: stages that share threads.
#include <doctest/doctest.h>

#include "stage/stage_fixture.hpp"

namespace galena::test {
namespace {

using namespace std::chrono_literals;

NodeOptions sharing(const Realm& realm, std::size_t threads) {
  NodeOptions options = realm.options();
  options.threads = threads;
  return options;
}

TEST_CASE("many stages on few threads: each consumer gets what its producer sends, all of it, in order") {
  constexpr int pairs = 40;
  Realm realm;
  Node node(sharing(realm, 2));
  std::vector<std::unique_ptr<Producer<>>> producers;
  std::vector<std::unique_ptr<Consumer<Keep>>> consumers;
  std::vector<Keep> kept(pairs);
  for (int i = 0; i < pairs; ++i) {
    const std::string name = "p" + std::to_string(i);
    producers.push_back(std::make_unique<Producer<>>(node, ProducerOptions{.name = name}));
    consumers.push_back(std::make_unique<Consumer<Keep>>(node, kept[static_cast<std::size_t>(i)],
                                                         ConsumerOptions{.subscriptions = {{Source(Name(name))}}}));
  }
  for (const std::string& number : numbers(200)) {
    for (const auto& producer : producers) producer->ingest("t", number);
  }
  for (const auto& producer : producers) REQUIRE(producer->drain(patience));
  for (const Keep& keep : kept) CHECK(messages_of(*keep.events, "t") == numbers(200));
}

struct Forward {
  Producer<>* to;
  void handle_consume(std::string_view topic, std::string_view message) { to->ingest(topic, message); }
};

TEST_CASE("a handler may ingest into a producer on its own thread, and that sends it") {
  Realm realm;
  Node node(sharing(realm, 1));
  Producer<> inner(node, {.name = "inner"});
  Keep keep;
  const Consumer last(node, keep, {.subscriptions = {{"inner"}}});
  Producer<> outer(node, {.name = "outer"});
  const Consumer forward(node, Forward{&inner}, {.subscriptions = {{"outer"}}});
  for (const std::string& number : numbers(100)) outer.ingest("t", number);
  REQUIRE(keep.events->wait_for(100));
  CHECK(messages_of(*keep.events, "t") == numbers(100));
}

struct Fill {
  Producer<>* to;
  std::shared_ptr<Record<std::string>> said = std::make_shared<Record<std::string>>();

  void handle_consume(std::string_view topic, std::string_view message) {
    said->add(to->try_ingest(topic, message) ? "taken" : "full");
    if (message != "last") return;
    try {
      to->ingest(topic, message);
    } catch (const Error& error) {
      said->add(error.what());
    }
  }
};

TEST_CASE("where only its own thread could make room, ingest says so instead of waiting for ever") {
  Realm realm;
  Node node(sharing(realm, 1));
  Producer<> small(node, {.name = "small", .buffer_events = 2, .drain = 0ms});  // nobody takes what it has
  Producer<> outer(node, {.name = "outer"});
  Fill fill{&small};
  const Consumer consumer(node, fill, {.subscriptions = {{"outer"}}});
  for (const char* message : {"1", "2", "last"}) outer.ingest("t", message);
  REQUIRE(fill.said->wait_for(4));
  const auto said = fill.said->all();
  CHECK(std::vector<std::string>(said.begin(), said.begin() + 3) == std::vector<std::string>{"taken", "taken", "full"});
  CHECK(
      said[3] ==
      "small: its buffer is full, and a handler must not wait for room on a thread that it shares with the producer's "
      "stage: ingest from another thread, or use try_ingest");
  CHECK(small.stats().ingested == 2);
}

}  // namespace
}  // namespace galena::test
