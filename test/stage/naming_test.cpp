// SPDX-License-Identifier: Apache-2.0
// How stages find each other: names, local and global, in any order, again and again; and what on_state tells.
#include <doctest/doctest.h>

#include <unistd.h>

#include "stage/stage_fixture.hpp"

namespace galena::test {
namespace {

using namespace std::chrono_literals;
using States = Record<std::string>;

ConsumerOptions watching(const Source& producer, const std::shared_ptr<States>& states) {
  ConsumerOptions options{.subscriptions = {{producer}}};
  options.on_state = [states](const Source& of, State state) {
    states->add(of.text() + " " + std::string(to_string(state)));
  };
  options.on_gap = [states](const Source& of, const Gap&) { states->add(of.text() + " gap"); };
  return options;
}

std::string why_not(const std::function<void()>& make, ErrorCode code) {
  try {
    make();
  } catch (const Error& error) {
    return error.code() == code ? error.what() : "another code: " + std::string(error.what());
  }
  return "it worked";
}

TEST_CASE("a consumer waits for its producer, connects when it appears, and finds each successor") {
  Realm realm;
  Node node(realm.options());
  Keep keep;
  const auto states = std::make_shared<States>();
  Consumer<Keep> consumer(node, keep, watching(global("p"), states));
  REQUIRE(states->wait_for_item("p searching"));
  std::vector<std::string> expected{"p searching"};
  for (int round = 0; round < 3; ++round) {
    {
      Node another(realm.options());
      Producer<> producer(another, {.name = global("p")});
      CHECK(producer.waiting() == 1);
      producer.ingest("t", std::to_string(round));
      REQUIRE(producer.drain(patience));
    }
    for (const char* state : {"p connected", "p ended", "p searching"}) expected.emplace_back(state);
    REQUIRE(states->wait_for(expected.size()));
  }
  CHECK(states->all() == expected);  // each ended on purpose: nothing was lost, and no gap
  CHECK(messages_of(*keep.events, "t") == numbers(3));
  CHECK(consumer.stats().states == std::vector<State>{State::searching});
}

TEST_CASE("a consumer of a local name waits for it, too, and sees each stage that has it") {
  Realm realm;
  Node node(realm.options());
  Keep keep;
  const auto states = std::make_shared<States>();
  Consumer<Keep> consumer(node, keep, watching("p", states));
  for (int round = 0; round < 3; ++round) {
    Producer<> producer(node, {.name = "p"});
    producer.ingest("t", std::to_string(round));
    REQUIRE(producer.drain(patience));
  }
  REQUIRE(states->wait_for(7));
  CHECK(messages_of(*keep.events, "t") == numbers(3));
}

TEST_CASE("local names are of one Node: another's are not seen, and the same one twice is refused") {
  Realm realm;
  Node node(realm.options());
  Node other(realm.options());
  Producer<> mine(node, {.name = "p"});
  Producer<> theirs(other, {.name = "p"});
  Keep keep;
  Consumer<Keep> consumer(node, keep, {.subscriptions = {{"p"}}});
  mine.ingest("t", "mine");
  theirs.ingest("t", "theirs");
  REQUIRE(mine.drain(patience));
  CHECK_FALSE(theirs.wait_for_subscribers(1, 20ms));
  CHECK(keep.events->all() == std::vector<Received>{{"t", "mine"}});
  CHECK(why_not([&] { Producer<> again(node, {.name = "p"}); }, ErrorCode::name_taken).find("local name 'p'") !=
        std::string::npos);
  CHECK(theirs.stats().outstanding == 1);
  Keep last;
  Consumer<Keep> taker(other, last, {.subscriptions = {{theirs}}});
  REQUIRE(theirs.drain(patience));
}

TEST_CASE("stages in two nodes of one domain find each other; those of another domain do not") {
  Realm realm;
  Realm elsewhere;
  Node a(realm.options());
  Node b(realm.options());
  Node c(elsewhere.options());
  Producer<> producer(a, {.name = global("p")});
  Producer<> namesake(c, {.name = global("p")});
  Keep keep;
  Consumer<Keep> consumer(b, keep, {.subscriptions = {{global("p")}}});
  producer.ingest("t", "ours");
  REQUIRE(producer.drain(patience));
  CHECK(keep.events->all() == std::vector<Received>{{"t", "ours"}});
  CHECK(namesake.stats().subscribers.empty());
}

TEST_CASE("a taken name is refused with a text that says who has it, and free when its holder has gone") {
  Realm realm;
  Node a(realm.options());
  Node b(realm.options());
  std::optional<Producer<>> holder;
  holder.emplace(a, ProducerOptions{.name = global("p")});
  const std::string text = why_not([&] { Producer<> again(b, {.name = global("p")}); }, ErrorCode::name_taken);
  CHECK(text.find("the name 'p' is taken: process " + std::to_string(getpid())) != std::string::npos);
  CHECK(text.find("tcp://") != std::string::npos);
  CHECK(why_not([&] { Consumer<Keep> c(b, {}, {.name = global("p")}); }, ErrorCode::name_taken).find("'p' is taken") !=
        std::string::npos);
  holder.reset();
  holder.emplace(b, ProducerOptions{.name = global("p")});
  CHECK(b.list().size() == 1);
}

TEST_CASE("without a name service, and not allowed to host one, a global name is refused with what to do") {
  Realm realm;
  NodeOptions options = realm.options();
  options.names = {"tcp://127.0.0.1:1"};
  Node node(options);
  const std::string text =
      why_not([&] { Producer<> p(node, {.name = global("p"), .register_within = 200ms}); }, ErrorCode::unreachable);
  CHECK(text.find("tcp://127.0.0.1:1") != std::string::npos);
}

TEST_CASE("a producer's accounts tell which stage subscribes") {
  Realm realm;
  Node node(realm.options());
  Producer<> producer(node, {.name = global("p")});
  Keep keep;
  Consumer<Keep> consumer(node, keep, {.subscriptions = {{global("p")}}});
  REQUIRE(producer.wait_for_subscribers(1, patience));
  CHECK(producer.stats().subscribers.at(0).consumer_stage == consumer.stage_id());
  CHECK(node.stats(global("p"), patience).subscribers.at(0).consumer_stage == consumer.stage_id());
}

TEST_CASE("a producer's accounts tell where a subscriber's connection comes from, here and elsewhere") {
  Realm realm;
  Node there(realm.options());
  NodeOptions by_ipc = realm.options();
  by_ipc.prefer_ipc = true;
  Node over_ipc(by_ipc);
  Node over_tcp(realm.options());
  Record<std::pair<std::string, std::string>> changes;
  Producer<> producer(
      there, {.name = global("p"), .on_subscriber = [&](const LinkInfo& who, SubscriberChange, const std::string&) {
                changes.add({who.consumer, who.address});
              }});
  Keep keep;
  const auto consumer = [&](const char* name) {
    return ConsumerOptions{.name = name, .subscriptions = {{global("p")}}};
  };
  Consumer<Keep> near(there, keep, consumer("near"));
  Consumer<Keep> ipc(over_ipc, keep, consumer("ipc"));
  Consumer<Keep> tcp(over_tcp, keep, consumer("tcp"));
  REQUIRE(producer.wait_for_subscribers(3, patience));
  const std::string this_process = "pid " + std::to_string(getpid());
  const std::map<std::string, std::string> expected{{"near", ""}, {"ipc", this_process}, {"tcp", "127.0.0.1"}};
  for (const ProducerStats& stats : {producer.stats(), over_tcp.stats(global("p"), patience)}) {
    std::map<std::string, std::string> told;
    for (const LinkInfo& link : stats.subscribers) told[link.consumer] = link.address;
    CHECK(told == expected);
  }
  REQUIRE(changes.wait_for(3));
  for (const auto& [who, address] : changes.all()) CHECK(expected.at(who) == address);
}

TEST_CASE("list tells name, kind, endpoints and subscribers of what is registered") {
  Realm realm;
  Node node(realm.options(2s));
  Producer<> producer(node, {.name = global("p")});
  const auto same = [](const EventView& event) { return event; };
  ProducerConsumer relay(node, same, {.name = global("r"), .subscriptions = {{global("p")}}});
  Consumer<Keep> consumer(node, {}, {.name = global("c"), .subscriptions = {{global("r")}, {global("p")}}});
  std::map<std::string, NameEntry> entries;
  REQUIRE(eventually([&] {
    for (const NameEntry& entry : node.list()) entries[entry.name] = entry;
    return entries.size() == 3 && entries["p"].subscribers == 2 && entries["r"].subscribers == 1;
  }));
  CHECK(entries["p"].kind == "producer");
  CHECK(entries["r"].kind == "producer-consumer");
  CHECK(entries["c"].kind == "consumer");
  CHECK(entries["c"].endpoints.empty());
  CHECK(entries["p"].endpoints.size() >= 3);
  CHECK(entries["p"].pid == static_cast<std::uint64_t>(getpid()));
}

TEST_CASE("a dedicated name service given by address is enough for nodes that may not host one") {
  Realm realm;
  NameService service({.domain = realm.domain, .bind = "tcp://127.0.0.1:0", .beacon = false});
  NodeOptions options = realm.options();
  options.host_names = false;
  options.names = {service.endpoint()};
  Node a(options);
  Node b(options);
  Producer<> producer(a, {.name = global("p")});
  Keep keep;
  Consumer<Keep> consumer(b, keep, {.subscriptions = {{global("p")}}});
  producer.ingest("t", "x");
  REQUIRE(producer.drain(patience));
  CHECK(keep.events->size() == 1);
}

}  // namespace
}  // namespace galena::test
