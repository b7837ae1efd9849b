// SPDX-License-Identifier: Apache-2.0
// What a producer may say that is none: its consumer counts it, tells it, leaves it, and asks again.
#include <doctest/doctest.h>

#include "galena/base/pack.hpp"
#include "stage/raw_peer.hpp"
#include "stage/stage_fixture.hpp"

namespace galena::test {
namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

/// A consumer of a producer that the test plays.
struct Play {
  Play() {
    ConsumerOptions options{.subscriptions = {{global("p"), {}, 4}}};
    options.on_state = [states = states](const Source&, State state) { states->add(std::string(to_string(state))); };
    options.on_gap = [gaps = gaps](const Source&, const Gap& gap) { gaps->add(gap.count); };
    consumer.emplace(node, keep, options);
  }

  /// The next attempt of the consumer's, and who it is.
  core::Subscribe await_subscribe() {
    auto wish = raw.next<core::Subscribe>();
    REQUIRE(wish);
    peer = wish->first;
    return wish->second;
  }
  void accept(std::uint64_t from = 0) { raw.send(peer, core::encode(core::Accept{fake.stage(), {stream, from}, 30s})); }
  void say(const std::string& bytes) { raw.send(peer, bytes); }
  std::string answer() {
    const auto cancel = raw.next<core::Cancel>();
    return cancel ? cancel->second.reason : "no answer";
  }
  /// It subscribes again, later than before, and then takes what is proper.
  void check_recovers(std::uint64_t epoch) {
    CHECK(await_subscribe().epoch > epoch);
    accept();
    const auto before = keep.events->size();
    say(batch(0, 2, {"good", "better"}));
    REQUIRE(keep.events->wait_for(before + 2));
    CHECK(keep.events->all().back().message == "better");
  }

  Realm realm;
  Node node{realm.options(2s)};
  RawRouter raw;
  FakeProducer fake{node, "p", raw.endpoint()};
  Id stream = Id::random();
  std::string peer;
  Keep keep;
  std::shared_ptr<Record<std::string>> states = std::make_shared<Record<std::string>>();
  std::shared_ptr<Record<std::optional<std::uint64_t>>> gaps = std::make_shared<Record<std::optional<std::uint64_t>>>();
  std::optional<Consumer<Keep>> consumer;
};

TEST_CASE("nothing but an accept may come first: anything else is told to be malformed, and it asks again") {
  for (const std::string& wrong :
       {std::string("junk"), std::string(), batch(0, 1, {"early"}), core::encode(core::Mark{1}),
        core::encode(core::End{1}), core::encode(Gap{0, 5, 5, "x"}), core::encode(core::Grant{0, {1, 1}})}) {
    Play play;
    const auto epoch = play.await_subscribe().epoch;
    play.say(wrong);
    CHECK(play.answer() == core::reason::malformed);
    play.check_recovers(epoch);
    CHECK(play.consumer->stats().malformed == 1);
    CHECK(play.consumer->stats().received == 2);
  }
}

TEST_CASE("an answer of another stage is left alone") {
  Play play;
  const auto epoch = play.await_subscribe().epoch;
  play.say(core::encode(core::Accept{Id::random(), {play.stream, 0}, 30s}));
  CHECK(play.answer() == core::reason::wrong_stage);
  play.check_recovers(epoch);
}

TEST_CASE("a consumer that a newer producer turns away asks again, and has not seen anything malformed") {
  Play play;
  const auto epoch = play.await_subscribe().epoch;
  play.say(core::encode(core::Cancel{std::string(core::reason::version), "this is version 2, not 1"}));
  play.check_recovers(epoch);
  CHECK(play.consumer->stats().malformed == 0);
}

TEST_CASE("a mistake that ends each attempt is a warning once, and what ends links every day is none") {
  Play play;
  const auto cancel = [&](std::string_view reason, const std::string& detail) {
    play.await_subscribe();
    play.say(core::encode(core::Cancel{std::string(reason), detail}));
  };
  cancel(core::reason::silent, "nothing was heard");
  cancel(core::reason::malformed, "too many topics");
  cancel(core::reason::malformed, "too many topics");
  cancel(core::reason::version, "this is version 2, not 1");
  play.await_subscribe();
  const auto lines = play.realm.lines->all();
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].ends_with("link to p is over: it said 'malformed': too many topics"));
  CHECK(lines[1].ends_with("link to p is over: it said 'version': this is version 2, not 1"));
}

TEST_CASE("more than was granted is refused before a handler sees it, and the link is left") {
  Play play;
  const auto epoch = play.await_subscribe().epoch;
  play.accept();
  play.say(batch(0, 5, {"1", "2", "3", "4", "5"}));
  CHECK(play.answer() == core::reason::credit);
  CHECK(play.consumer->stats().received == 0);
  play.check_recovers(epoch);
  CHECK(play.consumer->stats().malformed == 1);
}

TEST_CASE("a frame that is broken in the middle is handled up to there, counted and refused") {
  Play play;
  const auto epoch = play.await_subscribe().epoch;
  play.accept();
  std::string frame = batch(0, 2, {"a", "b"}) + batch(2, 4, {"c", "d"});
  frame[frame.size() - 2] = '\xc1';
  play.say(frame);
  CHECK(play.answer() == core::reason::malformed);
  CHECK(messages_of(*play.keep.events, "t") == Texts{"a", "b", "c"});
  play.check_recovers(epoch);
}

TEST_CASE("headers that tell more than there is are refused, whatever they tell") {
  const auto header = [](std::uint64_t bytes, std::uint64_t count, std::uint64_t from, std::uint64_t upto) {
    return PackWriter().array(5).uint(bytes).uint(count).uint(from).uint(upto).uint(0).take();
  };
  for (const std::string& wrong :
       {header(10, 1, 0, 1), header(~0ULL, ~0ULL, 0, ~0ULL), header(0, 1, 0, 1), header(0xffffffff, 4, 0, 4),
        header(0, 0, 5, 4), batch(0, 1, {"a"}) + "\x95", batch(0, 0, {"a"}), std::string("\x95\xcf")}) {
    Play play;
    const auto epoch = play.await_subscribe().epoch;
    play.accept();
    play.say(wrong);
    CHECK(play.answer() == core::reason::malformed);
    play.check_recovers(epoch);
    CHECK(play.consumer->stats().malformed == 1);
  }
}

TEST_CASE("a stream whose positions jump is told as a gap of unknown size; a gap that is told has its count") {
  Play play;
  play.await_subscribe();
  play.accept(10);
  play.say(batch(10, 11, {"a"}));
  play.say(batch(20, 21, {"b"}));
  play.say(core::encode(Gap{21, 30, 9, "full"}));
  play.say(batch(30, 31, {"c"}));
  REQUIRE(play.keep.events->wait_for(3));
  CHECK(play.gaps->all() == std::vector<std::optional<std::uint64_t>>{std::nullopt, 9});
  CHECK(play.consumer->stats().lost == 9);
  CHECK(play.consumer->stats().unknown_gaps == 1);
}

TEST_CASE("a producer that stops talking is left for silence, and a gap is told when another stream answers") {
  Play play;
  play.await_subscribe();
  play.raw.send(play.peer, core::encode(core::Accept{play.fake.stage(), {play.stream, 0}, 300ms}));
  play.say(batch(0, 1, {"a"}));
  REQUIRE(play.states->wait_for_item("lost"));
  play.stream = Id::random();
  play.await_subscribe();
  play.accept();
  REQUIRE(play.gaps->wait_for(1));
  CHECK(play.gaps->all() == std::vector<std::optional<std::uint64_t>>{std::nullopt});
  std::string told;
  for (const std::string& state : play.states->all()) told += state + " ";
  CHECK(told == "connected lost searching connected ");
}

TEST_CASE("a producer that cancels is asked again, ever more rarely") {
  Play play;
  for (int i = 0; i < 5; ++i) {
    play.await_subscribe();
    play.say(core::encode(core::Cancel{"stopped", "a reason of its own that is long enough to be on the heap"}));
  }
  play.await_subscribe();
  play.accept();
  REQUIRE(play.states->wait_for_item("connected"));
  CHECK(play.consumer->stats().malformed == 0);
}

TEST_CASE("who accepts and then talks nonsense again and again is not asked again at once") {
  Play play;
  const Time before = Clock::now();
  for (int i = 0; i < 6; ++i) {
    play.await_subscribe();
    play.accept();
    play.say("nonsense");
    REQUIRE(play.answer() == core::reason::malformed);
  }
  play.await_subscribe();
  CHECK(Clock::now() - before > 300ms);
  CHECK(play.consumer->stats().malformed == 6);
}

}  // namespace
}  // namespace galena::test
