// SPDX-License-Identifier: Apache-2.0
#include "galena/names/client_core.hpp"

#include <doctest/doctest.h>

#include "names/service_bench.hpp"

namespace galena::names {
namespace {

using namespace std::chrono_literals;

/// A ClientCore whose service is played by the test.
struct ClientBench {
  ClientBench() : core(options()) {}
  static ClientCore::Options options() {
    ClientCore::Options options;
    options.node = id_of(50);
    options.domain = "d";
    return options;
  }

  std::vector<Message> sent() {
    std::vector<Message> messages;
    while (const auto bytes = core.poll_send()) messages.push_back(*decode(*bytes));
    return messages;
  }
  void hear(const Message& message) {
    core.handle_message(encode(message), now);
    run();
  }
  void run() {
    while (const auto call = core.poll_call()) (*call)();
  }
  void pass(Duration time) {
    const Time end = now + time;
    while (core.poll_timeout() <= end) {
      now = core.poll_timeout();
      core.handle_timeout(now);
    }
    now = end;
    run();
  }
  void welcome(std::uint8_t service, std::uint64_t term = 1) {
    core.handle_connected(now);
    sent();
    Message message;
    message.verb = Verb::welcome;
    message.version = spoken_versions.oldest;
    message.service = id_of(service);
    message.term = term;
    hear(message);
  }
  void grant(const Registration& registration, Token token, std::uint64_t waiting = 0) {
    Message message;
    message.verb = Verb::registered;
    message.entry = Entry{registration, token, {}};
    message.waiting = waiting;
    hear(message);
  }
  void register_name(const Registration& registration, Duration timeout = 5s) {
    core.register_name(
        registration, timeout, [this](const Registered& result) { results.push_back(result); },
        [this](const Entry& owner) { lost.push_back(owner); }, now);
  }

  ClientCore core;
  Time now = Time{} + 1h;
  std::vector<Registered> results;
  std::vector<Entry> lost;
};

const Token token{1, id_of(100), 4};

TEST_CASE("what was asked before there is a connection is said once a service welcomes us") {
  ClientBench bench;
  bench.register_name(registration_of("x", 1));
  bench.core.watch("y", [](const auto&) {});
  CHECK(bench.sent().empty());
  bench.core.handle_connected(bench.now);
  auto sent = bench.sent();
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].verb == Verb::hello);
  CHECK(sent[0].domain == "d");
  Message welcome;
  welcome.verb = Verb::welcome;
  welcome.version = spoken_versions.oldest;
  welcome.service = id_of(100);
  bench.hear(welcome);
  sent = bench.sent();
  REQUIRE(sent.size() == 2);
  CHECK(sent[0].verb == Verb::register_name);
  CHECK(sent[1].verb == Verb::watch);
  CHECK(bench.results.empty());
  bench.grant(registration_of("x", 1), token, 3);
  REQUIRE(bench.results.size() == 1);
  CHECK(bench.results[0].outcome == Outcome::ok);
  CHECK(bench.results[0].entry->token == token);
  CHECK(bench.results[0].waiting == 3);
}

TEST_CASE("a service of another version is a failure that says so") {
  ClientBench bench;
  bench.core.handle_connected(bench.now);
  Message welcome;
  welcome.verb = Verb::welcome;
  welcome.version = 2;
  bench.hear(welcome);
  CHECK(bench.core.failed());
  CHECK(bench.core.last_refusal() == "this is version 1, not 2");
}

TEST_CASE("the next service hears of the same name with the same token and its age") {
  ClientBench bench;
  bench.welcome(100, 6);
  bench.register_name(registration_of("x", 1));
  bench.grant(registration_of("x", 1), token);
  bench.pass(1s);
  bench.core.handle_disconnected();
  bench.core.handle_connected(bench.now);
  const auto hello = bench.sent().at(0);
  CHECK(hello.service == id_of(100));
  CHECK(hello.term == 6);
  Message welcome;
  welcome.verb = Verb::welcome;
  welcome.version = spoken_versions.oldest;
  welcome.service = id_of(101);
  bench.hear(welcome);
  const auto again = bench.sent().at(0);
  CHECK(again.verb == Verb::register_name);
  CHECK(again.entry->token == token);
  CHECK(again.entry->age == 1s);
  bench.grant(registration_of("x", 1), token);
  CHECK(bench.results.size() == 1);  // nobody is told twice
}

TEST_CASE("a name that nobody confirmed for longer than its lease starts again at age zero") {
  ClientBench bench;
  bench.welcome(100);
  bench.register_name(registration_of("x", 1));
  bench.grant(registration_of("x", 1), token);
  bench.core.handle_disconnected();
  bench.pass(7s);
  bench.welcome(101);
  const auto again = bench.sent().at(0);
  CHECK(again.entry->token == token);
  CHECK(again.entry->age == 0s);
}

TEST_CASE("names are renewed at a third of the lease, in one message for all") {
  ClientBench bench;
  bench.welcome(100);
  bench.register_name(registration_of("x", 1));
  bench.register_name(registration_of("y", 2));
  bench.grant(registration_of("x", 1), token);
  bench.grant(registration_of("y", 2), token);
  bench.sent();
  bench.core.set_subscribers("x", id_of(1), 5);
  bench.pass(2s);
  auto sent = bench.sent();
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].verb == Verb::renew);
  CHECK(sent[0].registered == 2);
  CHECK(sent[0].subscribers == std::vector<SubscriberCount>{{"x", id_of(1), 5}});
  Message renewed;
  renewed.verb = Verb::renewed;
  bench.hear(renewed);
  bench.pass(2s);
  sent = bench.sent();
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].subscribers.empty());
  CHECK_FALSE(bench.core.failed());
}

TEST_CASE("counts of subscribers that do not fit into one renewal are told with the next one") {
  constexpr int names = 4096 + 3;
  ClientBench bench;
  bench.welcome(100);
  for (int i = 0; i < names; ++i) {
    const Registration registration = registration_of("name " + std::to_string(i), 1);
    bench.register_name(registration);
    bench.grant(registration, token);
    bench.core.set_subscribers(registration.name, id_of(1), 5);
  }
  bench.sent();
  Message renewed;
  renewed.verb = Verb::renewed;
  for (const std::size_t told : {4096, 3, 0}) {
    bench.pass(2s);
    const auto sent = bench.sent();
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].registered == names);
    CHECK(sent[0].subscribers.size() == told);
    bench.hear(renewed);
  }
}

TEST_CASE("a service that leaves a renewal or a hello unanswered for a second is gone") {
  ClientBench bench;
  SUBCASE("hello") {
    bench.core.handle_connected(bench.now);
    bench.pass(1s);
  }
  SUBCASE("renewal") {
    bench.welcome(100);
    bench.pass(2900ms);
    CHECK_FALSE(bench.core.failed());
    bench.pass(200ms);
  }
  CHECK(bench.core.failed());
}

TEST_CASE("a name that is taken says who has it") {
  ClientBench bench;
  bench.welcome(100);
  bench.register_name(registration_of("x", 1));
  Message taken;
  taken.verb = Verb::taken;
  taken.name = "x";
  taken.stage = id_of(1);
  taken.entry = Entry{registration_of("x", 9), token, 3s};
  bench.hear(taken);
  REQUIRE(bench.results.size() == 1);
  CHECK(bench.results[0].outcome == Outcome::taken);
  CHECK(bench.results[0].entry->registration.stage == id_of(9));
  bench.hear(taken);
  CHECK(bench.results.size() == 1);
}

TEST_CASE("whoever loses a name is told once, and does not say it again") {
  ClientBench bench;
  bench.welcome(100);
  bench.register_name(registration_of("x", 1));
  bench.grant(registration_of("x", 1), token);
  Message lost;
  lost.verb = Verb::lost;
  lost.name = "x";
  lost.stage = id_of(1);
  lost.entry = Entry{registration_of("x", 9), token, 3s};
  bench.hear(lost);
  bench.hear(lost);
  REQUIRE(bench.lost.size() == 1);
  CHECK(bench.lost[0].registration.stage == id_of(9));
  bench.core.handle_disconnected();
  bench.welcome(101);
  CHECK(bench.sent().empty());
}

TEST_CASE("who is told that its own stage has its name, or nobody, has lost nothing") {
  for (const bool registered : {false, true}) {
    ClientBench bench;
    bench.welcome(100);
    bench.register_name(registration_of("x", 1));
    if (registered) bench.grant(registration_of("x", 1), token);
    Message lost;
    lost.verb = registered ? Verb::lost : Verb::taken;
    lost.name = "x";
    lost.stage = id_of(1);
    bench.hear(lost);
    lost.entry = Entry{registration_of("x", 1), token, 3s};
    bench.hear(lost);
    CHECK(bench.lost.empty());
    CHECK(bench.results.size() == (registered ? 1U : 0U));
    lost.entry = Entry{registration_of("x", 2), token, 3s};
    bench.hear(lost);
    CHECK(bench.lost.size() == (registered ? 1U : 0U));
    CHECK(bench.results.size() == 1);
  }
}

TEST_CASE("a refusal reaches whoever asked, with its reason") {
  ClientBench bench;
  bench.welcome(100);
  bench.register_name(registration_of("x", 1));
  Message refused;
  refused.verb = Verb::refused;
  refused.request = bench.sent().at(0).request;
  refused.reason = "no";
  bench.hear(refused);
  REQUIRE(bench.results.size() == 1);
  CHECK(bench.results[0].outcome == Outcome::refused);
  CHECK(bench.results[0].reason == "no");
}

TEST_CASE("no answer in time is an answer; a grant that comes later is given back") {
  ClientBench bench;
  bench.welcome(100);
  bench.register_name(registration_of("x", 1), 500ms);
  bench.pass(500ms);
  REQUIRE(bench.results.size() == 1);
  CHECK(bench.results[0].outcome == Outcome::unreachable);
  bench.sent();
  bench.grant(registration_of("x", 1), token);
  const auto sent = bench.sent();
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].verb == Verb::unregister);
  CHECK(bench.results.size() == 1);
}

TEST_CASE("a challenge is answered for what we hold, and only for that") {
  ClientBench bench;
  bench.welcome(100);
  bench.register_name(registration_of("x", 1));
  bench.grant(registration_of("x", 1), token);
  bench.sent();
  Message challenge;
  challenge.verb = Verb::challenge;
  challenge.challenge = 5;
  challenge.name = "x";
  challenge.stage = id_of(1);
  bench.hear(challenge);
  auto sent = bench.sent();
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].verb == Verb::alive);
  CHECK(sent[0].challenge == 5);
  challenge.stage = id_of(2);
  bench.hear(challenge);
  CHECK(bench.sent().at(0).verb == Verb::released);
}

TEST_CASE("a watcher hears of each change once, through any number of services") {
  ClientBench bench;
  std::vector<std::optional<Entry>> told;
  bench.core.watch("x", [&](const std::optional<Entry>& entry) { told.push_back(entry); });
  bench.welcome(100);
  Message changed;
  changed.verb = Verb::changed;
  changed.name = "x";
  bench.hear(changed);
  bench.hear(changed);
  CHECK(told.size() == 1);
  changed.entry = Entry{registration_of("x", 1), token, 1s};
  bench.hear(changed);
  bench.core.handle_disconnected();
  bench.welcome(101);
  CHECK(bench.sent().at(0).verb == Verb::watch);
  changed.entry->age = 9s;
  changed.entry->registration.subscribers = 7;
  bench.hear(changed);
  CHECK(told.size() == 2);
  changed.entry = Entry{registration_of("x", 2), token, 1s};
  bench.hear(changed);
  REQUIRE(told.size() == 3);
  CHECK(told[2]->registration.stage == id_of(2));
}

TEST_CASE("a second watcher of a name hears what is known, and the service how many there are") {
  ClientBench bench;
  bench.welcome(100);
  int first = 0;
  int second = 0;
  const auto a = bench.core.watch("x", [&](const auto&) { ++first; });
  Message changed;
  changed.verb = Verb::changed;
  changed.name = "x";
  bench.hear(changed);
  bench.sent();
  const auto b = bench.core.watch("x", [&](const auto&) { ++second; });
  CHECK(second == 0);  // not from within the call
  bench.run();
  CHECK(second == 1);
  CHECK(bench.sent().at(0).watchers == 2);
  bench.core.unwatch(a);
  CHECK(bench.sent().at(0).watchers == 1);
  bench.core.unwatch(b);
  CHECK(bench.sent().at(0).verb == Verb::unwatch);
  changed.entry = Entry{registration_of("x", 1), token, 1s};
  bench.hear(changed);
  CHECK(first == 1);
  CHECK(second == 1);
}

TEST_CASE("a watcher may unwatch itself, and what was on its way is not delivered") {
  ClientBench bench;
  bench.welcome(100);
  int calls = 0;
  ClientCore::WatchId id = 0;
  id = bench.core.watch("x", [&](const auto&) {
    ++calls;
    bench.core.unwatch(id);
  });
  Message changed;
  changed.verb = Verb::changed;
  changed.name = "x";
  bench.core.handle_message(encode(changed), bench.now);
  changed.entry = Entry{registration_of("x", 1), token, 1s};
  bench.core.handle_message(encode(changed), bench.now);
  bench.run();
  CHECK(calls == 1);
}

TEST_CASE("a listing is put together from its pages") {
  ClientBench bench;
  bench.welcome(100);
  std::optional<std::vector<Entry>> got;
  bench.core.list(
      5s, [&](std::optional<std::vector<Entry>> entries) { got = std::move(entries); }, bench.now);
  Message page;
  page.verb = Verb::listing;
  page.request = bench.sent().at(0).request;
  page.entries = {Entry{registration_of("a", 1), token, {}}};
  page.more = true;
  bench.hear(page);
  CHECK(bench.sent().at(0).after == "a");
  CHECK_FALSE(got);
  SUBCASE("to the end") {
    page.entries = {Entry{registration_of("b", 2), token, {}}};
    page.more = false;
  }
  SUBCASE("a service that never ends is not followed") { page.entries = {Entry{registration_of("a", 2), token, {}}}; }
  bench.hear(page);
  REQUIRE(got);
  CHECK(got->size() == 2);
}

TEST_CASE("a page that the service does not give now is asked for again, and the listing is whole") {
  ClientBench bench;
  bench.welcome(100);
  std::optional<std::vector<Entry>> got;
  bench.core.list(
      5s, [&](std::optional<std::vector<Entry>> entries) { got = std::move(entries); }, bench.now);
  Message page;
  page.verb = Verb::listing;
  page.request = bench.sent().at(0).request;
  page.entries = {Entry{registration_of("a", 1), token, {}}};
  page.more = true;
  bench.hear(page);
  bench.sent();
  Message refused;
  refused.verb = Verb::refused;
  refused.request = page.request;
  refused.reason = "read the answers before this one first";
  for (int i = 0; i < 2; ++i) {
    bench.hear(refused);
    CHECK(bench.sent().empty());
    bench.pass(50ms);
    const auto again = bench.sent();
    REQUIRE(again.size() == 1);
    CHECK(again[0].verb == Verb::list);
    CHECK(again[0].request == page.request);
    CHECK(again[0].after == "a");
  }
  page.entries = {Entry{registration_of("b", 2), token, {}}};
  page.more = false;
  bench.hear(page);
  REQUIRE(got);
  CHECK(got->size() == 2);
}

TEST_CASE("every call has its deadline, without any service") {
  ClientBench bench;
  bool withdrawn = false;
  std::optional<bool> listed;
  bench.register_name(registration_of("x", 1), 300ms);
  bench.core.list(
      200ms, [&](const auto& entries) { listed = entries.has_value(); }, bench.now);
  bench.core.unregister(
      "nothing", id_of(1), 1s, [&] { withdrawn = true; }, bench.now);
  bench.pass(300ms);
  CHECK(withdrawn);
  CHECK(listed == false);
  CHECK(bench.results.at(0).outcome == Outcome::unreachable);
}

TEST_CASE("a unregistering is done when the service says so, or is gone, or too slow") {
  ClientBench bench;
  bench.welcome(100);
  bench.register_name(registration_of("x", 1));
  bench.grant(registration_of("x", 1), token);
  bench.sent();
  bool done = false;
  bench.core.unregister(
      "x", id_of(1), 400ms, [&] { done = true; }, bench.now);
  bench.run();
  CHECK_FALSE(done);
  const auto unregister = bench.sent().at(0);
  CHECK(unregister.verb == Verb::unregister);
  SUBCASE("answered") {
    Message message;
    message.verb = Verb::unregistered;
    message.request = unregister.request;
    bench.hear(message);
  }
  SUBCASE("gone") {
    bench.core.handle_disconnected();
    bench.run();
  }
  SUBCASE("too slow") { bench.pass(400ms); }
  CHECK(done);
}

TEST_CASE("bytes that are no message, or make no sense here, change nothing") {
  ClientBench bench;
  bench.welcome(100);
  bench.core.handle_message("nonsense", bench.now);
  for (std::uint8_t verb = 0; verb < static_cast<std::uint8_t>(Verb::unknown); ++verb) {
    if (static_cast<Verb>(verb) == Verb::redirect) continue;
    Message message;
    message.verb = static_cast<Verb>(verb);
    bench.hear(message);
  }
  CHECK(bench.core.state() == ClientCore::State::welcomed);
  CHECK_FALSE(bench.core.failed());
}

}  // namespace
}  // namespace galena::names
