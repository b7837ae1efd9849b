// SPDX-License-Identifier: Apache-2.0
#include "galena/names/directory.hpp"

#include <doctest/doctest.h>

#include "galena/error.hpp"
#include "galena/names/migration.hpp"
#include "galena/names/service_core.hpp"
#include "galena/net/socket.hpp"
#include "names/node_bench.hpp"

namespace galena::names {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a name is found on one host well within a second, with nothing started before") {
  NodeBench bench;
  const Time began = Clock::now();
  const auto consumer = bench.node();
  const auto producer = bench.node();
  consumer->watch("x");
  producer->register_name("x", 1);
  REQUIRE(bench.until([&] { return consumer->sees(1); }));
  const auto took = in_milliseconds(Clock::now() - began);
  MESSAGE("found after " << took << " ms");
  CHECK(took < 1000);
}

TEST_CASE("what one node has registered, another finds: at once, by watching and by listing") {
  NodeBench bench;
  const auto a = bench.node();
  const auto b = bench.node();
  CHECK(bench.register_name(*a, "x", 1).outcome == Outcome::ok);
  b->watch("x");
  REQUIRE(bench.until([&] { return !b->seen.empty(); }));
  CHECK(b->sees(1));
  CHECK(b->seen.back()->registration.endpoints == registration_of("x", 1).endpoints);
  std::optional<std::vector<Entry>> listed;
  b->directory.list(5s, [&](auto entries) { listed = std::move(entries); });
  REQUIRE(bench.until([&] { return listed.has_value(); }));
  REQUIRE(listed->size() == 1);
  CHECK(listed->front().registration.name == "x");
}

TEST_CASE("a taken name is refused with who has it; given back, it is free") {
  NodeBench bench;
  const auto a = bench.node();
  const auto b = bench.node();
  CHECK(bench.register_name(*a, "x", 1).outcome == Outcome::ok);
  const auto taken = bench.register_name(*b, "x", 2);
  CHECK(taken.outcome == Outcome::taken);
  REQUIRE(taken.entry);
  CHECK(taken.entry->registration.stage == id_of(1));
  bool done = false;
  a->directory.unregister("x", id_of(1), 5s, [&] { done = true; });
  REQUIRE(bench.until([&] { return done; }));
  CHECK(bench.register_name(*b, "x", 2).outcome == Outcome::ok);
}

TEST_CASE("two stages of one node cannot have one name either") {
  NodeBench bench;
  const auto a = bench.node();
  CHECK(bench.register_name(*a, "x", 1).outcome == Outcome::ok);
  CHECK(bench.register_name(*a, "x", 2).outcome == Outcome::taken);
}

TEST_CASE("who registers is told of the watchers that were there before, of other nodes and its own") {
  NodeBench bench;
  const auto a = bench.node();
  const auto b = bench.node();
  a->watch("x");
  b->watch("x");
  b->watch("x");
  REQUIRE(bench.until([&] { return a->seen.size() == 1 && b->seen.size() == 2; }));
  CHECK(bench.register_name(*a, "x", 1).waiting == 3);
}

TEST_CASE("when the hosting node ends another hosts; names, tokens and watches are as they were") {
  NodeBench bench;
  auto host = bench.node();
  CHECK(bench.register_name(*host, "of the host", 9).outcome == Outcome::ok);
  const auto producer = bench.node();
  const auto token = bench.register_name(*producer, "x", 1).entry->token;
  const auto consumer = bench.node();
  consumer->watch("x");
  consumer->watch("of the host");
  REQUIRE(bench.until([&] { return consumer->seen.size() == 2; }));
  host.reset();
  const Time began = Clock::now();
  // The one name that is gone is told to be gone; about the other there is nothing to tell.
  REQUIRE(bench.until([&] { return consumer->seen.size() == 3; }));
  CHECK(consumer->sees_nobody());
  MESSAGE("settled after " << in_milliseconds(Clock::now() - began) << " ms");
  const auto late = bench.node();
  late->watch("x");
  REQUIRE(bench.until([&] { return late->sees(1); }));
  CHECK(late->seen.back()->token == token);
  CHECK(bench.register_name(*late, "x", 2).outcome == Outcome::taken);
}

TEST_CASE("who may not host finds a service, but is none") {
  NodeBench bench;
  const auto guest = bench.node(false);
  std::optional<bool> listed;
  guest->directory.list(300ms, [&](const auto& entries) { listed = entries.has_value(); });
  REQUIRE(bench.until([&] { return listed.has_value(); }));
  CHECK(listed == false);
  CHECK(guest->directory.service().empty());
  const auto a = bench.node();
  CHECK(bench.register_name(*a, "x", 1).outcome == Outcome::ok);
  guest->watch("x");
  REQUIRE(bench.until([&] { return guest->sees(1); }));
}

TEST_CASE("domains do not see each other") {
  NodeBench one;
  NodeBench other;
  const auto a = one.node();
  const auto b = other.node();
  CHECK(one.register_name(*a, "x", 1).outcome == Outcome::ok);
  CHECK(other.register_name(*b, "x", 2).outcome == Outcome::ok);
}

TEST_CASE("without a service every call is answered within its time") {
  NodeBench bench;
  const auto a = bench.node(true, {"tcp://127.0.0.1:1"});
  const Time began = Clock::now();
  a->register_name("x", 1, 300ms);
  REQUIRE(bench.until([&] { return !a->results.empty(); }));
  CHECK(a->results[0].outcome == Outcome::unreachable);
  CHECK(Clock::now() - began < 2s);
}

TEST_CASE("a fixed list of services is used in order, without hosting") {
  NodeBench bench;
  const auto service = bench.service();
  const auto a = bench.node(true, {"tcp://127.0.0.1:1", service->endpoint()});
  CHECK(bench.register_name(*a, "x", 1).outcome == Outcome::ok);
  CHECK(a->directory.service() == service->endpoint());
  CHECK(service->entries() == 1);
}

/// A service that knows of no other, and so never redirects.
struct Hermit {
  Hermit(NodeBench& bench, const std::string& bind)
      : core({.id = Id::random(), .domain = bench.domain, .limits = {}}),
        router(bench.context, bench.reactor, {}, [this] {
          while (const auto message = router.receive()) {
            core.handle_message(message->peer, message->delimited, message->body.bytes(), Clock::now());
            while (const auto out = core.poll_output()) router.send(out->peer, out->bytes, out->delimited);
          }
        }) {
    core.lead(1);
    endpoint = router.bind(bind);
  }

  std::string endpoint;
  ServiceCore core;
  net::Router router;
};

TEST_CASE("whoever had to take a later service of the list goes back when an earlier one is there again") {
  NodeBench bench;
  auto first = std::make_unique<Hermit>(bench, "tcp://127.0.0.1:*");
  Hermit second(bench, "tcp://127.0.0.1:*");
  const std::vector<std::string> list = {first->endpoint, second.endpoint};
  first.reset();
  const auto a = bench.node(true, list);
  const auto token = bench.register_name(*a, "x", 1).entry->token;
  CHECK(second.core.entries() == 1);
  first = std::make_unique<Hermit>(bench, list[0]);
  const auto b = bench.node(true, list);
  b->watch("x");
  REQUIRE(bench.until([&] { return b->sees(1); }));
  CHECK(b->seen.back()->token == token);
  CHECK(a->directory.service() == list[0]);
}

TEST_CASE("a service of another domain refuses, and the node says so instead of hanging") {
  NodeBench bench;
  NodeBench other;
  const auto service = bench.service();
  DirectoryOptions options;
  options.domain = "another";
  options.services = {service->endpoint()};
  Node node(bench.context, bench.reactor, options, bench.logger);
  node.register_name("x", 1, 500ms);
  REQUIRE(bench.until([&] { return !node.results.empty(); }));
  CHECK(node.results[0].outcome == Outcome::unreachable);
  CHECK(node.results[0].reason == "this service is of domain '" + bench.domain + "'");
}

TEST_CASE("a domain that cannot be an endpoint is refused at once, with the rule") {
  NodeBench bench;
  bench.domain = std::string(65, 'd');
  CHECK_THROWS_WITH_AS(bench.node(), doctest::Contains("a domain has 1 to 64 bytes"), Error);
  bench.domain = "";
  CHECK_THROWS_AS(bench.node(), Error);
}

TEST_CASE("thousands of names move to the next service together") {
  NodeBench bench;
  auto host = bench.node();
  const auto producer = bench.node();
  const auto consumer = bench.node();
  constexpr std::size_t count = 2000;
  for (std::size_t i = 0; i < count; ++i) producer->register_name("x" + std::to_string(i), 1);
  REQUIRE(bench.until([&] { return producer->results.size() == count; }));
  host.reset();
  const Time began = Clock::now();
  std::optional<std::vector<Entry>> listed;
  consumer->directory.list(15s, [&](auto entries) { listed = std::move(entries); });
  REQUIRE(bench.until([&] { return listed.has_value(); }));
  // The answer waits for the names, but not for ever: a machine that is too busy to move them in time has had its turn.
  if (Clock::now() - began < Migration::Options{}.longest) CHECK(listed->size() == count);
}

}  // namespace
}  // namespace galena::names
