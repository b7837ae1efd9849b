// SPDX-License-Identifier: Apache-2.0
#include "galena/names/service_core.hpp"

#include <doctest/doctest.h>

#include <random>

#include "galena/base/pack.hpp"
#include "names/service_bench.hpp"

namespace galena::names {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a name that nobody has is registered at once, with a token of this service") {
  ServiceBench bench;
  bench.hello("a");
  bench.register_name("a", registration_of("x", 1));
  const auto answers = bench.take("a");
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].verb == Verb::registered);
  CHECK(answers[0].request == 7);
  CHECK(answers[0].entry->token.term == 3);
  CHECK(answers[0].entry->token.service == id_of(200));
  CHECK(bench.lookup("x")->registration.stage == id_of(1));
}

TEST_CASE("a hello is answered with who is in charge and which lease is granted") {
  ServiceBench bench;
  Message hello;
  hello.verb = Verb::hello;
  hello.version = spoken_versions.oldest;
  hello.domain = "d";
  hello.lease = 1ms;  // shorter than any that is granted
  bench.say("a", hello);
  const auto answers = bench.take("a");
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].verb == Verb::welcome);
  CHECK(answers[0].service == id_of(200));
  CHECK(answers[0].term == 3);
  CHECK(answers[0].lease == 100ms);
}

TEST_CASE("a node of another version or another domain is refused with the reason") {
  ServiceBench bench;
  Message hello;
  hello.verb = Verb::hello;
  hello.version = 2;
  hello.newest = 3;
  hello.domain = "d";
  bench.say("a", hello);
  CHECK(bench.take("a").at(0).reason == "this is version 1, not 2 to 3");
  CHECK(bench.core.counters().wrong_version == 1);
  hello.version = 1;
  hello.domain = "other";
  bench.say("a", hello);
  CHECK(bench.take("a").at(0).reason == "this service is of domain 'd'");
}

TEST_CASE("a node of a later version that speaks ours too is welcomed in ours") {
  ServiceBench bench;
  Message hello;
  hello.verb = Verb::hello;
  hello.version = 1;
  hello.newest = 7;
  hello.domain = "d";
  bench.say("a", hello);
  const auto answers = bench.take("a");
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].verb == Verb::welcome);
  CHECK(answers[0].version == 1);
}

TEST_CASE("a node of another version is told so even if the rest of its hello cannot be read") {
  ServiceBench bench;
  PackWriter out;
  out.array(2).str("hello").map(2).str("v").uint(2).str("lease").str("six seconds");
  bench.core.handle_message("a", false, out.bytes(), bench.now);
  bench.deliver();
  CHECK(bench.take("a").at(0).reason == "this is version 1, not 2");
  CHECK(bench.core.counters().malformed == 0);
}

TEST_CASE("a taken name is refused only after its owner has answered a challenge") {
  ServiceBench bench;
  bench.register_name("a", registration_of("x", 1));
  bench.take("a");
  bench.register_name("b", registration_of("x", 2));
  CHECK(bench.take("b").empty());
  const auto challenges = bench.take("a");
  REQUIRE(challenges.size() == 1);
  CHECK(challenges[0].verb == Verb::challenge);
  CHECK(challenges[0].stage == id_of(1));
  bench.pass(300ms);
  bench.answer_challenge("a", challenges[0], Verb::alive);
  const auto answers = bench.take("b");
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].verb == Verb::taken);
  CHECK(answers[0].entry->registration.stage == id_of(1));
  CHECK(answers[0].entry->age == 300ms);
  CHECK(answers[0].entry->registration.endpoints == registration_of("x", 1).endpoints);
}

TEST_CASE("an owner whose connection is gone is succeeded at once") {
  ServiceBench bench;
  bench.register_name("a", registration_of("x", 1));
  bench.dead.insert("a");
  bench.register_name("b", registration_of("x", 2));
  CHECK(bench.take_verbs("b") == std::vector{Verb::registered});
  CHECK(bench.lookup("x")->registration.stage == id_of(2));
}

TEST_CASE("an owner that does not answer is succeeded within a second") {
  ServiceBench bench;
  bench.register_name("a", registration_of("x", 1));
  bench.register_name("b", registration_of("x", 2));
  bench.pass(800ms);
  CHECK(bench.take("b").empty());
  bench.pass(200ms);
  CHECK(bench.take_verbs("b") == std::vector{Verb::registered});
  // It may only have slept.
  CHECK(bench.take_verbs("a") == std::vector{Verb::registered, Verb::challenge, Verb::lost});
}

TEST_CASE("a node that has not got the name any more is succeeded at once") {
  ServiceBench bench;
  bench.register_name("a", registration_of("x", 1));
  bench.take("a");
  bench.register_name("b", registration_of("x", 2));
  bench.answer_challenge("a", bench.take("a").at(0), Verb::released);
  CHECK(bench.take_verbs("b") == std::vector{Verb::registered});
}

TEST_CASE("of several that want a dead owner's name the first gets it and the others learn who") {
  ServiceBench bench;
  bench.register_name("a", registration_of("x", 1));
  bench.register_name("b", registration_of("x", 2));
  bench.register_name("c", registration_of("x", 3));
  bench.pass(1s);
  CHECK(bench.take_verbs("b") == std::vector{Verb::registered});
  const auto answers = bench.take("c");
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].verb == Verb::taken);
  CHECK(answers[0].entry->registration.stage == id_of(2));
}

TEST_CASE("a stage that asks twice while the owner is challenged is answered once, and does not lose to itself") {
  ServiceBench bench;
  bench.register_name("a", registration_of("x", 1), {1, id_of(77), 1}, 20s);
  bench.register_name("b", registration_of("x", 2), {2, id_of(78), 1}, 10s);
  bench.register_name("b", registration_of("x", 2), {2, id_of(78), 1}, 10s);
  bench.pass(1s);
  CHECK(bench.take_verbs("b") == std::vector{Verb::registered});
}

TEST_CASE("an answer to a challenge counts only from the owner and only for that challenge") {
  ServiceBench bench;
  bench.register_name("a", registration_of("x", 1));
  bench.take("a");
  bench.register_name("b", registration_of("x", 2));
  auto challenge = bench.take("a").at(0);
  bench.answer_challenge("b", challenge, Verb::released);
  CHECK(bench.take("b").empty());
  challenge.challenge += 1;
  bench.answer_challenge("a", challenge, Verb::released);
  CHECK(bench.take("b").empty());
}

TEST_CASE("an owner that comes back over a new connection while challenged over the old one keeps its name") {
  ServiceBench bench;
  bench.register_name("a", registration_of("x", 1));
  const auto token = bench.take("a").at(0).entry->token;
  bench.register_name("b", registration_of("x", 2));
  bench.register_name("a2", registration_of("x", 1), token, 1s);
  CHECK(bench.take_verbs("b") == std::vector{Verb::taken});
  CHECK(bench.lookup("x")->token == token);
}

TEST_CASE("a stage that leaves while the owner is challenged is forgotten") {
  ServiceBench bench;
  bench.register_name("a", registration_of("x", 1));
  bench.register_name("b", registration_of("x", 2));
  bench.simple("b", Verb::unregister, "x", id_of(2));
  CHECK(bench.take_verbs("b") == std::vector{Verb::unregistered});
  bench.pass(2s);
  CHECK(bench.take("b").empty());
  CHECK(bench.lookup("x")->registration.stage == id_of(1));
}

TEST_CASE("a registration keeps its token and its age from one service to the next") {
  ServiceBench bench;
  const Token token{1, id_of(77), 42};
  bench.register_name("a", registration_of("x", 1), token, 10s);
  CHECK(bench.take("a").at(0).entry->token == token);
  bench.pass(2s);
  const auto entry = bench.lookup("x");
  CHECK(entry->token == token);
  CHECK(entry->age == 12s);
}

TEST_CASE("of two owners the one that has had the name longer stays and the other is told") {
  ServiceBench bench;
  SUBCASE("the newcomer is older") {
    bench.register_name("a", registration_of("x", 1), {1, id_of(77), 1}, 10s);
    bench.take("a");
    bench.register_name("b", registration_of("x", 2), {2, id_of(78), 1}, 20s);
    CHECK(bench.take_verbs("b") == std::vector{Verb::registered});
    const auto told = bench.take("a");
    REQUIRE(told.size() == 1);
    CHECK(told[0].verb == Verb::lost);
    CHECK(told[0].stage == id_of(1));
    CHECK(told[0].entry->registration.stage == id_of(2));
    CHECK(bench.lookup("x")->registration.stage == id_of(2));
  }
  SUBCASE("the newcomer is younger: it is told when the owner has shown that it lives") {
    bench.register_name("a", registration_of("x", 1), {1, id_of(77), 1}, 20s);
    bench.take("a");
    bench.register_name("b", registration_of("x", 2), {2, id_of(78), 1}, 10s);
    CHECK(bench.take("b").empty());
    bench.answer_challenge("a", bench.take("a").at(0), Verb::alive);
    const auto told = bench.take("b");
    REQUIRE(told.size() == 1);
    CHECK(told[0].verb == Verb::lost);
    CHECK(told[0].stage == id_of(2));
    CHECK(told[0].entry->registration.stage == id_of(1));
  }
  SUBCASE("the newcomer is younger, but the owner is dead") {
    bench.register_name("a", registration_of("x", 1), {1, id_of(77), 1}, 20s);
    bench.dead.insert("a");
    bench.register_name("b", registration_of("x", 2), {2, id_of(78), 1}, 10s);
    CHECK(bench.take_verbs("b") == std::vector{Verb::registered});
    CHECK(bench.lookup("x")->token == Token{2, id_of(78), 1});
  }
}

TEST_CASE("within a second of age the lower stage id stays, whoever comes first") {
  CHECK(keeps(10s, id_of(1), 10900ms, id_of(2)));
  CHECK_FALSE(keeps(10900ms, id_of(2), 10s, id_of(1)));
  CHECK(keeps(10s, id_of(2), 8s, id_of(1)));
  CHECK_FALSE(keeps(8s, id_of(1), 10s, id_of(2)));
}

TEST_CASE("watchers are told what is known, and of each change, but not of renewals") {
  ServiceBench bench;
  bench.watch("w", "x");
  auto told = bench.take("w");
  REQUIRE(told.size() == 1);
  CHECK(told[0].verb == Verb::changed);
  CHECK_FALSE(told[0].entry);

  bench.register_name("a", registration_of("x", 1));
  told = bench.take("w");
  REQUIRE(told.size() == 1);
  CHECK(told[0].entry->registration.stage == id_of(1));

  const auto token = bench.take("a").at(0).entry->token;
  bench.register_name("a", registration_of("x", 1), token, 1s);
  bench.simple("a", Verb::renew);
  CHECK(bench.take("w").empty());

  bench.simple("a", Verb::unregister, "x", id_of(1));
  told = bench.take("w");
  REQUIRE(told.size() == 1);
  CHECK_FALSE(told[0].entry);

  bench.simple("w", Verb::unwatch, "x");
  bench.register_name("a", registration_of("x", 1));
  CHECK(bench.take("w").empty());
}

TEST_CASE("whoever registers learns how many wait for the name") {
  ServiceBench bench;
  bench.watch("v", "x", 2);
  bench.watch("w", "x");
  bench.watch("w", "other");
  bench.register_name("a", registration_of("x", 1));
  CHECK(bench.take("a").at(0).waiting == 3);
  bench.core.handle_gone("v", bench.now);
  bench.register_name("a", registration_of("x", 1));
  CHECK(bench.take("a").at(0).waiting == 1);
}

TEST_CASE("a node that does not renew loses its names after its lease, and its watchers are told") {
  ServiceBench bench;
  bench.hello("a", {}, 1s);
  bench.hello("w", {}, 100s);
  bench.register_name("a", registration_of("x", 1));
  bench.watch("w", "x");
  for (int i = 0; i < 5; ++i) {
    bench.pass(600ms);
    bench.simple("a", Verb::renew);
  }
  CHECK(bench.lookup("x"));
  bench.take("w");
  bench.pass(1100ms);
  CHECK_FALSE(bench.lookup("x"));
  CHECK(bench.take_verbs("w") == std::vector{Verb::changed});
  CHECK(bench.core.counters().expired == 1);
}

TEST_CASE("a renewal that counts more names than the service knows is asked to say them again") {
  ServiceBench bench;
  bench.register_name("a", registration_of("x", 1));
  bench.take("a");
  Message renew;
  renew.verb = Verb::renew;
  renew.registered = 1;
  bench.say("a", renew);
  CHECK(bench.take_verbs("a") == std::vector{Verb::renewed});
  renew.registered = 2;
  bench.say("a", renew);
  CHECK(bench.take_verbs("a") == std::vector{Verb::again});
  bench.say("stranger", renew);
  CHECK(bench.take_verbs("stranger") == std::vector{Verb::again});
}

TEST_CASE("a node whose session ended while it slept is asked to watch again, even if it registers first") {
  ServiceBench bench;
  bench.watch("a", "y");
  bench.pass(10s);
  bench.register_name("a", registration_of("x", 1));
  bench.take("a");
  Message renew;
  renew.verb = Verb::renew;
  renew.registered = 1;
  renew.watching = 1;
  bench.say("a", renew);
  CHECK(bench.take_verbs("a") == std::vector{Verb::again});
}

TEST_CASE("a renewal carries the number of subscribers, of the owner's own names only") {
  ServiceBench bench;
  bench.register_name("a", registration_of("x", 1));
  Message renew;
  renew.verb = Verb::renew;
  renew.registered = 1;
  renew.subscribers = {{"x", id_of(1), 9}, {"nobody", id_of(1), 3}};
  bench.say("a", renew);
  CHECK(bench.lookup("x")->registration.subscribers == 9);
  renew.subscribers = {{"x", id_of(1), 1000}};
  bench.say("b", renew);
  CHECK(bench.lookup("x")->registration.subscribers == 9);
}

TEST_CASE("only the owner can give a name back") {
  ServiceBench bench;
  bench.register_name("a", registration_of("x", 1));
  bench.simple("b", Verb::unregister, "x", id_of(1));
  CHECK(bench.lookup("x"));
  bench.simple("a", Verb::unregister, "x", id_of(2));
  CHECK(bench.lookup("x"));
  bench.simple("a", Verb::unregister, "x", id_of(1));
  CHECK_FALSE(bench.lookup("x"));
}

TEST_CASE("a listing comes in pages, in order of names") {
  Limits limits;
  limits.page_bytes = 3000;
  ServiceBench bench(limits);
  for (std::uint8_t i = 0; i < 40; ++i) bench.register_name("a", registration_of("x" + std::to_string(100 + i), i + 1));
  Message list;
  list.verb = Verb::list;
  std::vector<std::string> seen;
  int pages = 0;
  for (bool more = true; more; ++pages) {
    bench.say("stranger", list);
    const auto page = bench.take("stranger").at(0);
    more = page.more;
    for (const Entry& entry : page.entries) seen.push_back(entry.registration.name);
    list.after = seen.back();
  }
  CHECK(pages > 2);
  REQUIRE(seen.size() == 40);
  CHECK(std::is_sorted(seen.begin(), seen.end()));
}

TEST_CASE("when nodes arrive from another service, \"nobody has it\" waits until their names have followed") {
  ServiceBench bench;
  bench.hello("w", id_of(99));
  bench.watch("w", "x");
  bench.simple("q", Verb::lookup, "x");
  bench.simple("q", Verb::list);
  bench.register_name("thief", registration_of("x", 9));
  CHECK(bench.take("w").empty());
  CHECK(bench.take("q").empty());
  CHECK(bench.take("thief").empty());
  SUBCASE("the owner comes: nobody noticed anything") {
    bench.register_name("a", registration_of("x", 1), {1, id_of(99), 1}, 5s);
    bench.pass(200ms);
    bench.answer_challenge("a", bench.take("a").at(1), Verb::alive);
    for (const Message& message : bench.take("w")) CHECK(message.entry->registration.stage == id_of(1));
    const auto answers = bench.take("q");
    REQUIRE(answers.size() == 2);
    CHECK(answers[0].entry->registration.stage == id_of(1));
    CHECK(answers[1].entries.size() == 1);
    CHECK(bench.take_verbs("thief") == std::vector{Verb::taken});
  }
  SUBCASE("the owner does not come: the answers are given after all") {
    bench.pass(250ms);
    CHECK(bench.take_verbs("thief") == std::vector{Verb::registered});
    CHECK(bench.take("q").size() == 2);
    CHECK(bench.take("w").size() >= 1);
  }
}

TEST_CASE("nodes that arrive with many names are waited for, but not for ever") {
  ServiceBench bench;
  bench.hello("a", id_of(99), 6s, 2);
  bench.simple("q", Verb::list);
  bench.register_name("a", registration_of("x", 1), {1, id_of(99), 1}, 5s);
  bench.pass(500ms);
  CHECK(bench.take("q").empty());
  SUBCASE("the last name comes") {
    bench.register_name("a", registration_of("y", 1), {1, id_of(99), 2}, 5s);
    bench.pass(0ms);
    CHECK(bench.take("q").at(0).entries.size() == 2);
  }
  SUBCASE("the node is gone") {
    bench.core.handle_gone("a", bench.now);
    bench.pass(0ms);
    CHECK(bench.take("q").at(0).entries.empty());
  }
  SUBCASE("it never says") {
    bench.pass(1500ms);
    CHECK(bench.take("q").at(0).entries.size() == 1);
    bench.simple("q", Verb::list);
    CHECK(bench.take("q").size() == 1);
  }
}

TEST_CASE("a service that is not in charge knows nothing and says who is") {
  ServiceBench bench;
  bench.hello("a");
  bench.register_name("a", registration_of("x", 1));
  bench.take("a");
  bench.core.follow({id_of(5), 9, true, {"tcp://192.0.2.9:5000"}});
  bench.deliver();
  auto told = bench.take("a");
  REQUIRE(told.size() == 1);
  CHECK(told[0].verb == Verb::redirect);
  CHECK(told[0].service == id_of(5));
  CHECK(told[0].endpoints == std::vector<std::string>{"tcp://192.0.2.9:5000"});
  CHECK(bench.core.entries() == 0);
  bench.register_name("b", registration_of("x", 2));
  told = bench.take("b");
  REQUIRE(told.size() == 1);
  CHECK(told[0].verb == Verb::redirect);
  CHECK(told[0].request == 7);
  CHECK(bench.core.sessions() == 0);
  bench.core.lead(10);
  bench.register_name("b", registration_of("x", 2));
  CHECK(bench.take("b").at(0).entry->token.term == 10);
}

TEST_CASE("a REQ socket can look up and list, and is told why it cannot register") {
  ServiceBench bench;
  bench.register_name("a", registration_of("x", 1));
  Message message;
  message.verb = Verb::lookup;
  message.name = "x";
  bench.say("req", message, true);
  CHECK(bench.take("req").at(0).entry->registration.stage == id_of(1));
  message.verb = Verb::register_name;
  message.entry = Entry{registration_of("y", 2), {}, {}};
  bench.say("req", message, true);
  CHECK(bench.take("req").at(0).verb == Verb::refused);
  CHECK(bench.core.entries() == 1);
}

TEST_CASE("what is too long, too many or senseless is refused with the limit it met") {
  Limits limits;
  limits.names_per_session = 2;
  limits.watches_per_session = 1;
  limits.entries = 3;
  limits.requests_per_name = 1;
  limits.sessions = 3;
  ServiceBench bench(limits);
  const auto refusal = [&](const std::string& peer) {
    const auto answers = bench.take(peer);
    return answers.empty() || answers.back().verb != Verb::refused ? std::string() : answers.back().reason;
  };
  bench.register_name("a", registration_of("", 1));
  CHECK(refusal("a") == "a name has at least one byte");
  bench.register_name("a", registration_of(std::string(256, 'n'), 1));
  CHECK(refusal("a") == "a name has at most 255 bytes");
  bench.register_name("a", registration_of("x", 0));
  CHECK(refusal("a") == "a registration says its stage's id");
  auto talkative = registration_of("x", 1);
  talkative.endpoints.assign(65, "tcp://192.0.2.1:1");
  bench.register_name("a", talkative);
  CHECK(refusal("a") == "a stage has at most 64 endpoints");
  talkative.endpoints = {std::string(256, 'e')};
  bench.register_name("a", talkative);
  CHECK(refusal("a").starts_with("an endpoint, a host's name and its id"));

  bench.register_name("a", registration_of("x", 1));
  bench.register_name("a", registration_of("y", 1));
  CHECK(refusal("a").empty());
  bench.register_name("a", registration_of("z", 1));
  CHECK(refusal("a") == "a node has at most 2 names");
  bench.register_name("b", registration_of("z", 2));
  bench.register_name("b", registration_of("zz", 2));
  CHECK(refusal("b") == "this service has no room for another name");
  bench.watch("b", "x");
  bench.watch("b", "x", 5);
  CHECK(refusal("b").empty());
  bench.watch("b", "y");
  CHECK(refusal("b") == "a node watches at most 1 names");
  bench.register_name("b", registration_of("x", 2));
  CHECK(refusal("b").empty());
  bench.register_name("c", registration_of("x", 3));
  CHECK(refusal("c") == "too many want this name at once; try again later");
  bench.register_name("d", registration_of("x", 4));
  CHECK(refusal("d").starts_with("this service has no room for another node"));
}

TEST_CASE("another host has at most so many sessions, and is told so") {
  Limits limits;
  limits.sessions_per_address = 1;
  ServiceBench bench(limits);
  Message hello;
  hello.verb = Verb::hello;
  hello.version = 1;
  hello.domain = "d";
  const auto greet = [&](const std::string& peer, std::string_view address) {
    bench.core.handle_message(peer, false, encode(hello), bench.now, {.address = address});
    bench.deliver();
    return bench.take(peer).at(0);
  };
  CHECK(greet("a", "192.0.2.1").verb == Verb::welcome);
  CHECK(greet("a", "192.0.2.1").verb == Verb::welcome);
  CHECK(greet("b", "192.0.2.1").reason ==
        "this service has no room for another node: it takes 16384, and 1 of one other host");
  CHECK(greet("c", "").verb == Verb::welcome);
  CHECK(greet("d", "").verb == Verb::welcome);
  CHECK(greet("e", "192.0.2.2").verb == Verb::welcome);
}

TEST_CASE("a peer that says it is another's stage changes where that is, and crashes nothing") {
  ServiceBench bench;
  bench.register_name("a", registration_of("x", 1));
  bench.register_name("liar", registration_of("x", 1));
  bench.core.handle_gone("a", bench.now);
  bench.deliver();
  CHECK(bench.lookup("x"));
  bench.core.handle_gone("liar", bench.now);
  CHECK_FALSE(bench.lookup("x"));
}

TEST_CASE("bytes that are no message are counted and answered, and change nothing") {
  ServiceBench bench;
  bench.core.handle_message("a", false, "nonsense", bench.now);
  bench.core.handle_message("a", true, "", bench.now);
  bench.deliver();
  CHECK(bench.core.counters().malformed == 2);
  CHECK(bench.core.sessions() == 0);
  CHECK(bench.take_verbs("a") == std::vector{Verb::refused, Verb::refused});
}

TEST_CASE("a stage registered by nobody's hello has the default lease") {
  ServiceBench bench;
  bench.register_name("a", registration_of("x", 1));
  bench.pass(5900ms);
  CHECK(bench.lookup("x"));
  bench.pass(200ms);
  CHECK_FALSE(bench.lookup("x"));
}

TEST_CASE("an announcement of another service is handed on, and bounded") {
  ServiceBench bench;
  Message announce;
  announce.verb = Verb::announce;
  announce.domain = "d";
  announce.service = id_of(5);
  announce.dedicated = true;
  announce.endpoints = {"tcp://192.0.2.9:5000"};
  for (int i = 0; i < 1000; ++i) bench.say("s", announce);
  int count = 0;
  while (const auto heard = bench.core.poll_announced()) {
    CHECK(heard->dedicated);
    ++count;
  }
  CHECK(count == 64);
  announce.domain = "other";
  bench.say("s", announce);
  CHECK_FALSE(bench.core.poll_announced());
}

TEST_CASE("whatever a service says can be read, after any course of events and any time") {
  constexpr Duration longest = std::chrono::milliseconds(std::uint64_t{1} << 40);  // of those that a reader takes
  for (std::uint32_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto below = [&](std::uint32_t bound) { return static_cast<std::uint32_t>(random() % bound); };
    const auto any_text = [&] { return std::string(below(4) == 0 ? 255 : below(3), static_cast<char>(below(256))); };
    ServiceBench bench;
    const auto peer = [&] { return "peer" + std::to_string(below(4)); };
    for (int step = 0; step < 60; ++step) {
      Message message;
      message.verb = static_cast<Verb>(below(static_cast<std::uint32_t>(Verb::unknown)));
      message.request = random();
      message.version = message.newest = 1;
      message.domain = below(8) == 0 ? any_text() : "d";
      message.service = id_of(static_cast<std::uint8_t>(below(3)));
      message.node = id_of(static_cast<std::uint8_t>(below(3)));
      message.term = random();
      message.lease = std::chrono::milliseconds(below(3) == 0 ? random() : below(10'000));
      message.name = below(4) == 0 ? any_text() : "n" + std::to_string(below(3));
      message.stage = id_of(static_cast<std::uint8_t>(below(4)));
      message.challenge = below(5);
      message.reason = any_text();
      message.registered = message.watching = below(3);
      message.watchers = random();
      if (below(3) > 0) {
        Registration registration = registration_of(message.name, static_cast<std::uint8_t>(below(4)));
        registration.host_name = any_text();
        registration.subscribers = random();
        message.entry = Entry{registration, {random(), id_of(1), random()}, below(2) == 0 ? longest : Duration{}};
      }
      bench.core.handle_message(peer(), below(2) == 0, encode(message), bench.now);
      if (below(6) == 0) bench.core.handle_gone(peer(), bench.now);
      if (below(3) == 0) {
        bench.now += below(10) == 0 ? Duration(std::chrono::hours(24 * 365)) : Duration(std::chrono::seconds(below(9)));
        bench.core.handle_timeout(bench.now);
      }
      while (const auto out = bench.core.poll_output()) CHECK(decode(out->bytes));
    }
  }
}

TEST_CASE("a node that is gone does not get the name that it waited for") {
  ServiceBench bench;
  bench.hello("a");
  bench.hello("b");
  bench.register_name("a", registration_of("x", 1));
  bench.register_name("b", registration_of("x", 2));
  bench.core.handle_gone("b", bench.now);
  bench.take("b");
  bench.pass(2s);  // the owner does not answer
  REQUIRE(bench.lookup("x"));
  CHECK(bench.lookup("x")->registration.stage == id_of(1));
  CHECK(bench.take("b").empty());
}

TEST_CASE("of two owners the one that has had the name for longer keeps it; within a second, that of the lower id") {
  CHECK(keeps(10s, id_of(9), 8s, id_of(1)));
  CHECK_FALSE(keeps(8s, id_of(1), 10s, id_of(9)));
  CHECK(keeps(9s, id_of(1), 10s, id_of(9)));
  CHECK_FALSE(keeps(10s, id_of(9), 9s, id_of(1)));
  CHECK_FALSE(keeps(9s, id_of(1), 10s + 1ns, id_of(9)));
  CHECK(keeps(10s + 1ns, id_of(9), 9s, id_of(1)));
}

TEST_CASE("an owner that registers again, as after it lost its memory, has its token and the age of its name") {
  ServiceBench bench;
  bench.hello("a");
  bench.hello("w");
  bench.register_name("a", registration_of("x", 1));
  const Token token = bench.take("a").back().entry->token;
  bench.watch("w", "x");
  bench.take("w");
  bench.pass(3s);
  bench.register_name("a", registration_of("x", 1));
  const auto answers = bench.take("a");
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].verb == Verb::registered);
  CHECK(answers[0].entry->token == token);
  CHECK(answers[0].entry->age == 3s);
  CHECK(bench.take("w").empty());  // nothing has changed
  // Consumers compare tokens: so those who watch hear of another one.
  bench.register_name("a", registration_of("x", 1), Token{9, id_of(100), 9}, 20s);
  CHECK(bench.take("a").back().entry->age == 20s);
  CHECK(bench.take_verbs("w") == std::vector{Verb::changed});
}

TEST_CASE("an owner that comes back while its name is disputed decides the dispute") {
  ServiceBench bench;
  for (const char* const peer : {"a", "b", "c"}) bench.hello(peer);
  bench.register_name("a", registration_of("x", 1));
  bench.register_name("c", registration_of("x", 3));
  REQUIRE(bench.take("c").empty());  // the owner is asked
  bench.register_name("b", registration_of("x", 2), Token{1, id_of(100), 1}, 100s);
  const auto answers = bench.take("c");
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].verb == Verb::taken);
  CHECK(answers[0].entry->registration.stage == id_of(2));
  bench.take("b");
  bench.pass(2s);
  CHECK(bench.take("b").empty());
  CHECK(bench.lookup("x")->registration.stage == id_of(2));
}

TEST_CASE("a REQ socket whose question waits is sent to the service in charge; a DEALER without a session asks again") {
  ServiceBench bench;
  bench.hello("a", id_of(77), 6s, 1);  // of another service: its names are waited for
  Message question;
  question.verb = Verb::lookup;
  question.request = 8;
  question.name = "x";
  bench.say("req", question, true);
  bench.say("dealer", question);
  REQUIRE(bench.take("req").empty());
  bench.core.follow({id_of(201), 9, true, {"tcp://192.0.2.9:1"}});
  bench.deliver();
  const auto answers = bench.take("req");
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].verb == Verb::redirect);
  CHECK(answers[0].request == 8);
  CHECK(answers[0].service == id_of(201));
  CHECK(bench.take("dealer").empty());
  CHECK(bench.take_verbs("a") == std::vector{Verb::redirect});
}

}  // namespace
}  // namespace galena::names
