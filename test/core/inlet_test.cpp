// SPDX-License-Identifier: Apache-2.0
#include "galena/core/inlet.hpp"

#include <doctest/doctest.h>

#include "frames.hpp"

namespace galena::core::test {
namespace {

using namespace std::chrono_literals;
using Input = Inlet::Input;

std::string accept_message(std::uint64_t from, std::uint8_t stream = 9) {
  return encode(Accept{id(1), {id(stream), from}, 10s});
}

std::vector<Event> numbered(std::uint64_t from, std::uint64_t upto) {
  std::vector<Event> events;
  for (; from < upto; ++from) events.push_back({"t", std::to_string(from)});
  return events;
}

struct Consumer {
  Inlet inlet;
  explicit Consumer(Demand demand, std::uint64_t from = 0, std::optional<Standing> previous = {},
                    Duration silence = 10s)
      : inlet({.demand = demand, .silence = silence, .previous = previous}, at(0)) {
    REQUIRE(inlet.handle(accept_message(from), at(0)) == Input::accepted);
  }

  /// Everything of one frame, handled; the grants that were due in between, as "acknowledged/limit".
  std::vector<std::string> receive(const std::string& frame) {
    std::vector<std::string> grants;
    REQUIRE(inlet.handle(frame, at(0)) == Input::events);
    for (EventView event; inlet.next(event);) {
      inlet.handled();
      if (inlet.attention()) note(grants, false);
    }
    return grants;
  }
  void note(std::vector<std::string>& grants, bool idle) {
    if (const auto bytes = inlet.poll_grant(idle, at(0))) {
      const auto grant = expect<Grant>(*bytes);
      grants.push_back(std::to_string(grant.acknowledged) + "/" + std::to_string(grant.limit.events));
    }
  }
  std::vector<std::string> idle() {
    std::vector<std::string> grants;
    note(grants, true);
    return grants;
  }
};

using Grants = std::vector<std::string>;

TEST_CASE("a publisher that answers in another version is refused by name") {
  Inlet inlet({}, at(0));
  Accept answer{id(1), {id(9), 0}, 10s};
  answer.version = 2;
  CHECK(inlet.handle(encode(answer), at(0)) == Input::malformed);
  const auto farewell = expect<Cancel>(inlet.farewell());
  CHECK(farewell.reason == reason::version);
  CHECK(farewell.detail == "this is version 1, not 2");
}

TEST_CASE("the first message says who it is and what may be sent right away") {
  Inlet inlet({.stage = id(1),
               .subscription = id(2),
               .epoch = 3,
               .consumer = "c",
               .selection = topics({"a"}),
               .demand = {100, 50, 1000},
               .silence = 4s},
              at(0));
  const auto hello = expect<Subscribe>(inlet.hello());
  CHECK(hello.stage == id(1));
  CHECK(hello.subscription == id(2));
  CHECK(hello.epoch == 3);
  CHECK(hello.consumer == "c");
  CHECK(hello.selection == topics({"a"}));
  CHECK(hello.credit == Credit{100, 1000});
  CHECK(hello.silence == 4s);
  CHECK(!inlet.accepted());
}

TEST_CASE("events come out as they went in, over batches, frames and encodings") {
  Consumer consumer({1000, 500, plenty});
  const std::vector<Event> first = {{"a", "1"}, {"b", "2", Encoding::msgpack}, {std::string(300, 'c'), ""}};
  const std::string frame = batch(0, 5, first) + batch(5, 5, {}) + tight_batch(5, 6, {{"d", "4"}});
  REQUIRE(consumer.inlet.handle(frame, at(0)) == Input::events);
  std::vector<Event> got;
  for (EventView event; consumer.inlet.next(event); consumer.inlet.handled()) got.push_back(copy(event));
  CHECK(got == std::vector<Event>{first[0], first[1], first[2], {"d", "4"}});
  CHECK(consumer.inlet.failure().reason.empty());
  CHECK(consumer.inlet.place().from == 6);
  CHECK(consumer.inlet.handled_events() == 4);
  CHECK(consumer.inlet.poll_gaps().empty());
}

TEST_CASE("credit is granted as GenStage asks: 1000/500 at each 500") {
  Consumer consumer({1000, 500, plenty});
  CHECK(consumer.receive(batch(0, 499, numbered(0, 499))).empty());
  CHECK(consumer.receive(batch(499, 1000, numbered(499, 1000))) == Grants{"500/1500", "1000/2000"});
  CHECK(consumer.receive(batch(1000, 1500, numbered(1000, 1500))) == Grants{"1500/2500"});
  CHECK(consumer.idle().empty());
}

TEST_CASE("credit is granted as GenStage asks: 100/80 at each 20, 100/20 at each 80, 1/0 at each") {
  Consumer eager({100, 80, plenty});
  CHECK(eager.receive(batch(0, 60, numbered(0, 60))) == Grants{"20/120", "40/140", "60/160"});
  Consumer lazy({100, 20, plenty});
  CHECK(lazy.receive(batch(0, 100, numbered(0, 100))) == Grants{"80/180"});
  CHECK(lazy.receive(batch(100, 180, numbered(100, 180))) == Grants{"160/260"});
  Consumer single({1, 0, plenty});
  CHECK(single.receive(batch(0, 1, numbered(0, 1))) == Grants{"1/2"});
  CHECK(single.receive(batch(1, 2, numbered(1, 2))) == Grants{"2/3"});
}

TEST_CASE("an idle consumer acknowledges at once, but does not ask early") {
  Consumer consumer({1000, 500, plenty});
  CHECK(consumer.idle().empty());  // nothing to acknowledge
  CHECK(consumer.receive(batch(0, 300, numbered(0, 300))).empty());
  CHECK(consumer.idle() == Grants{"300/1000"});
  CHECK(consumer.idle().empty());
  CHECK(consumer.receive(batch(300, 499, numbered(300, 499))).empty());
  CHECK(consumer.idle() == Grants{"499/1000"});
  CHECK(consumer.receive(batch(499, 501, numbered(499, 501))) == Grants{"500/1500"});
  CHECK(consumer.idle() == Grants{"501/1500"});
}

TEST_CASE("half of the bytes handled makes a grant due as well") {
  const std::string frame = batch(0, 1, {{"t", std::string(395, 'x')}});  // 400 bytes of events
  REQUIRE(frame.size() == batch_header_bytes + 401);
  Consumer consumer({1000, 0, 1000});
  CHECK(consumer.receive(frame).empty());
  const std::string second = batch(1, 2, {{"t", std::string(395, 'x')}});
  REQUIRE(consumer.inlet.handle(second, at(0)) == Input::events);
  EventView event;
  REQUIRE(consumer.inlet.next(event));
  consumer.inlet.handled();
  CHECK(!consumer.inlet.next(event));
  CHECK(consumer.inlet.attention());
  // To have asked for gaps first changes nothing.
  CHECK(consumer.inlet.poll_gaps().empty());
  CHECK(consumer.inlet.attention());
  const auto grant = expect<Grant>(*consumer.inlet.poll_grant(false, at(0)));
  CHECK(grant.acknowledged == 2);
  CHECK(grant.limit == Credit{1002, 1802});
}

TEST_CASE("events beyond the credit in number are a violation, none of their batch is handed out") {
  Consumer consumer({3, 0, plenty});
  CHECK(consumer.receive(batch(0, 2, numbered(0, 2))).empty());
  const std::string beyond = batch(2, 4, numbered(2, 4));
  REQUIRE(consumer.inlet.handle(beyond, at(0)) == Input::events);
  EventView event;
  CHECK(!consumer.inlet.next(event));
  CHECK(consumer.inlet.failure().reason == reason::credit);
  CHECK(expect<Cancel>(consumer.inlet.farewell()).reason == reason::credit);
}

TEST_CASE("an event may start below the credit in bytes and pass it; the next one is a violation") {
  Consumer consumer({100, 0, 50});
  const std::string frame = batch(0, 1, {{"t", std::string(200, 'x')}}) + batch(1, 2, {{"t", "y"}});
  REQUIRE(consumer.inlet.handle(frame, at(0)) == Input::events);
  EventView event;
  CHECK(consumer.inlet.next(event));
  CHECK(!consumer.inlet.next(event));
  CHECK(consumer.inlet.failure().reason == reason::credit);
}

TEST_CASE("a gap that is told is handed on, and its positions are done with") {
  Consumer consumer({100, 50, plenty}, 10);
  CHECK(consumer.inlet.handle(encode(Gap{10, 20, 5, "full"}), at(0)) == Input::nothing);
  CHECK(consumer.inlet.attention());
  const auto gaps = consumer.inlet.poll_gaps();
  REQUIRE(gaps.size() == 1);
  CHECK(gaps[0].from == 10);
  CHECK(gaps[0].upto == 20);
  CHECK(gaps[0].count == 5);
  CHECK(gaps[0].reason == "full");
  CHECK(!consumer.inlet.attention());
  CHECK(consumer.inlet.poll_gaps().empty());
  consumer.receive(batch(20, 21, numbered(0, 1)));
  CHECK(consumer.inlet.poll_gaps().empty());
}

TEST_CASE("a hole in the stream that nobody told is noticed") {
  Consumer consumer({100, 50, plenty}, 10);
  consumer.receive(batch(10, 12, numbered(0, 2)) + batch(15, 16, numbered(0, 1)));
  const auto gaps = consumer.inlet.poll_gaps();
  REQUIRE(gaps.size() == 1);
  CHECK(gaps[0].from == 12);
  CHECK(gaps[0].upto == 15);
  CHECK(!gaps[0].count);
  CHECK(gaps[0].reason == reason::lost);
}

TEST_CASE("a publisher that leaves holes without end cannot make the list of them grow without end") {
  Consumer consumer({100, 50, plenty});
  std::string frame;
  for (std::uint64_t i = 0; i < 10'000; ++i) frame += tight_batch(2 * i + 1, 2 * i + 2, {});
  consumer.receive(frame);
  const auto gaps = consumer.inlet.poll_gaps();
  CHECK(gaps.size() == Inlet::max_gaps);
  CHECK(gaps.front().upto == 1);
  CHECK(gaps.back().upto == 19'999);
}

TEST_CASE("a batch of which more follows does not move the place") {
  Consumer consumer({100, 50, plenty});
  consumer.receive(batch(0, 10, numbered(0, 2), flag_more));
  CHECK(consumer.inlet.place().from == 0);
  consumer.receive(batch(0, 10, numbered(2, 4)));
  CHECK(consumer.inlet.place().from == 10);
  CHECK(consumer.inlet.poll_gaps().empty());
}

TEST_CASE("a batch is done with when its last event was handled, not before") {
  Consumer consumer({100, 50, plenty});
  const std::string frame = batch(0, 2, numbered(0, 2));
  REQUIRE(consumer.inlet.handle(frame, at(0)) == Input::events);
  EventView event;
  REQUIRE(consumer.inlet.next(event));
  consumer.inlet.handled();
  REQUIRE(consumer.inlet.next(event));
  CHECK(consumer.inlet.place().from == 0);
  consumer.inlet.handled();
  CHECK(!consumer.inlet.next(event));
  CHECK(consumer.inlet.place().from == 2);
}

TEST_CASE("bytes that are no batch, or no event in the middle of one, end the link with a reason") {
  for (const auto& rubbish : {std::string("\x95\x01", 2), batch(0, 2, numbered(0, 2)) + "rubbish"}) {
    Consumer consumer({100, 50, plenty});
    REQUIRE(consumer.inlet.handle(rubbish, at(0)) == Input::events);
    int got = 0;
    for (EventView event; consumer.inlet.next(event); consumer.inlet.handled()) ++got;
    CHECK(got == (rubbish.size() > 2 ? 2 : 0));
    CHECK(consumer.inlet.failure().reason == reason::malformed);
    // And nothing that comes after it is read.
    CHECK(consumer.inlet.handle(batch(2, 3, numbered(2, 3)), at(0)) == Input::malformed);
    EventView event;
    CHECK(!consumer.inlet.next(event));
  }

  std::string mid_batch = batch(0, 3, numbered(0, 3));
  mid_batch[batch_header_bytes + 6] = '\x01';  // where the second event starts
  Consumer consumer({100, 50, plenty});
  REQUIRE(consumer.inlet.handle(mid_batch, at(0)) == Input::events);
  EventView event;
  CHECK(consumer.inlet.next(event));
  consumer.inlet.handled();
  CHECK(!consumer.inlet.next(event));
  CHECK(consumer.inlet.failure().reason == reason::malformed);
  CHECK(consumer.inlet.handled_events() == 1);
}

TEST_CASE("a batch that holds more or fewer events than its header tells is malformed") {
  std::string fewer = batch(0, 5, numbered(0, 3));
  fewer[10] = 2;  // the count
  std::string more = batch(0, 5, numbered(0, 3));
  more[10] = 4;
  std::string none = batch(0, 5, numbered(0, 3));
  none[10] = 0;
  for (const auto& [frame, events] : {std::pair{fewer, 2}, {more, 3}, {none, 0}}) {
    Consumer consumer({100, 50, plenty});
    REQUIRE(consumer.inlet.handle(frame, at(0)) == Input::events);
    int got = 0;
    for (EventView event; consumer.inlet.next(event); consumer.inlet.handled()) ++got;
    CHECK(got == events);
    CHECK(consumer.inlet.failure().reason == reason::malformed);
  }
}

TEST_CASE("nothing but an answer may come before the acceptance, and that only once, and from the stage expected") {
  for (const auto& early : {batch(0, 1, numbered(0, 1)), encode(Mark{1}), encode(Gap{0, 1, 1, "full"}), encode(End{1}),
                            encode(Grant{}), std::string("rubbish"), std::string()}) {
    Inlet inlet({}, at(0));
    CHECK(inlet.handle(early, at(0)) == Input::malformed);
    CHECK(inlet.failure().reason == reason::malformed);
  }
  Consumer twice({100, 50, plenty});
  CHECK(twice.inlet.handle(accept_message(0), at(0)) == Input::malformed);
  Inlet other({.stage = id(2)}, at(0));
  CHECK(other.handle(accept_message(0), at(0)) == Input::malformed);
  CHECK(other.failure().reason == reason::wrong_stage);
  Consumer odd({100, 50, plenty});
  CHECK(odd.inlet.handle(encode(Grant{}), at(0)) == Input::malformed);
}

TEST_CASE("a cancel ends the link for the reason it tells, a mark and an end move the place") {
  Consumer consumer({100, 50, plenty});
  CHECK(consumer.inlet.handle(encode(Mark{7}), at(0)) == Input::nothing);
  CHECK(consumer.inlet.place().from == 7);
  CHECK(consumer.inlet.handle(encode(Mark{6}), at(0)) == Input::nothing);
  CHECK(consumer.inlet.place().from == 7);
  CHECK(consumer.inlet.handle(encode(Cancel{"stopped", "text"}), at(0)) == Input::cancelled);
  CHECK(consumer.inlet.failure().reason == "stopped");
  CHECK(consumer.inlet.failure().detail == "text");
  Consumer unnamed({100, 50, plenty});
  CHECK(unnamed.inlet.handle(encode(Cancel{"", ""}), at(0)) == Input::cancelled);
  CHECK(unnamed.inlet.failure().reason == reason::cancelled);
  Consumer ended({100, 50, plenty});
  CHECK(ended.inlet.handle(encode(End{9}), at(0)) == Input::ended);
  CHECK(ended.inlet.place().from == 9);
  CHECK(ended.inlet.standing().ended);
}

TEST_CASE("after a broken link, what lies between its place and the new one is a gap") {
  const auto gaps_after = [](const Standing& previous, std::uint64_t from) {
    Consumer consumer({100, 50, plenty}, from, previous);
    return consumer.inlet.poll_gaps();
  };
  const auto same = gaps_after({.place = {id(9), 5}}, 8);
  REQUIRE(same.size() == 1);
  CHECK(same[0].from == 5);
  CHECK(same[0].upto == 8);
  CHECK(!same[0].count);
  CHECK(same[0].reason == reason::lost);
  CHECK(gaps_after({.place = {id(9), 8}}, 8).empty());
  const auto other = gaps_after({.place = {id(7), 5}}, 0);
  REQUIRE(other.size() == 1);
  CHECK(other[0].from == 5);
  CHECK(other[0].upto == 5);
  CHECK(!other[0].count);
  CHECK(gaps_after({.place = {id(7), 5}, .ended = true}, 0).empty());  // it had ended: nothing was left of it
}

TEST_CASE("an inlet that said nothing for a quarter of its silence says its last grant again") {
  Consumer consumer({10, 5, plenty}, 0, {}, 8s);
  CHECK(!consumer.inlet.poll_heartbeat(at(1999)));
  const auto first = consumer.inlet.poll_heartbeat(at(2000));
  REQUIRE(first);
  CHECK(expect<Grant>(*first).acknowledged == 0);
  CHECK(expect<Grant>(*first).limit == Credit{10, plenty});
  CHECK(!consumer.inlet.poll_heartbeat(at(3999)));
  const std::string frame = batch(0, 5, numbered(0, 5));
  REQUIRE(consumer.inlet.handle(frame, at(0)) == Input::events);
  for (EventView event; consumer.inlet.next(event);) consumer.inlet.handled();
  CHECK(consumer.inlet.poll_grant(false, at(3999)));
  CHECK(!consumer.inlet.poll_heartbeat(at(5998)));
  CHECK(expect<Grant>(*consumer.inlet.poll_heartbeat(at(5999))).acknowledged == 5);
}

TEST_CASE("a publisher that says nothing for longer than it said is silent; anything it says counts") {
  Inlet waiting({.silence = 3s}, at(0));
  CHECK(!waiting.silent(at(3000)));
  CHECK(waiting.silent(at(3001)));
  Consumer consumer({10, 5, plenty}, 0, {}, 3s);  // its publisher said 10 s
  CHECK(!consumer.inlet.silent(at(10'000)));
  CHECK(consumer.inlet.silent(at(10'001)));
  CHECK(consumer.inlet.handle(encode(Mark{1}), at(9000)) == Input::nothing);
  CHECK(!consumer.inlet.silent(at(19'000)));
  CHECK(consumer.inlet.silent(at(19'001)));
}

TEST_CASE("a gap that grew while the link was down is told for what it grew by, if anybody can say; and not twice") {
  const auto told_after = [](std::uint64_t from, std::uint64_t upto, std::optional<std::uint64_t> count) {
    Standing before{.place = {id(9), 39}, .told = {39, 235, 100}};
    Consumer consumer({100, 50, plenty}, 39, before);
    const std::string frame = encode(Gap{from, upto, count, std::string(reason::full)});
    REQUIRE(consumer.inlet.handle(frame, at(0)) == Input::nothing);
    return consumer.inlet.poll_gaps();
  };
  CHECK(told_after(39, 235, 100).empty());
  const auto grown = told_after(39, 435, 250);
  REQUIRE(grown.size() == 1);
  CHECK(grown[0].from == 235);
  CHECK(grown[0].upto == 435);
  CHECK(grown[0].count == 150U);
  // It began elsewhere, or is smaller than it was: nobody can say what is new.
  CHECK_FALSE(told_after(40, 435, 250).at(0).count);
  CHECK_FALSE(told_after(39, 435, 99).at(0).count);
  CHECK_FALSE(told_after(39, 435, std::nullopt).at(0).count);
}

TEST_CASE(
    "of a batch that does not hold what its header tells, what was read counts, and not the whole of its positions") {
  Consumer consumer({100, 50, plenty});
  std::string frame = batch(0, 5, {{"t", "a"}, {"t", "b"}, {"t", "c"}});
  write_batch_header(frame.data(), {static_cast<std::uint32_t>(frame.size() - batch_header_bytes), 2, 0, 5, 0});
  REQUIRE(consumer.inlet.handle(frame, at(0)) == Input::events);
  for (EventView event; consumer.inlet.next(event);) consumer.inlet.handled();
  CHECK(consumer.inlet.failure().reason == reason::malformed);
  CHECK(consumer.inlet.place().from == 0);
  CHECK(consumer.inlet.place().events == 2);
}

TEST_CASE("a whole batch can be taken at once, before any of it was read, and counts as handled") {
  Consumer consumer({4, 2, 1 << 20});
  const std::string first = batch(0, 3, {{"a", "1"}, {"b", "2"}, {"c", "3"}});
  const std::string frame = first + batch(3, 4, {{"d", "4"}});
  REQUIRE(consumer.inlet.handle(frame, at(0)) == Input::events);
  const auto whole = consumer.inlet.whole_batch();
  REQUIRE(whole);
  CHECK(whole->bytes == first);
  CHECK(whole->bytes.data() == frame.data());
  CHECK(whole->count == 3);
  consumer.inlet.handled_whole();
  CHECK(consumer.inlet.handled_events() == 3);
  CHECK(consumer.inlet.place().from == 3);
  CHECK(consumer.inlet.attention());
  const auto grant = expect<Grant>(*consumer.inlet.poll_grant(false, at(0)));
  CHECK(grant.acknowledged == 3);
  CHECK(grant.limit.events == 7);
  CHECK(grant.limit.bytes == (1 << 20) + first.size() - batch_header_bytes);
  EventView event;
  REQUIRE(consumer.inlet.next(event));
  CHECK(event.payload == "4");
  CHECK_FALSE(consumer.inlet.whole_batch());  // some of it was read
  consumer.inlet.handled();
  CHECK_FALSE(consumer.inlet.next(event));
  CHECK(consumer.inlet.place().from == 4);
}

TEST_CASE("what cannot be read, or is not plain, or is not as Galena writes it, is not taken as a whole") {
  const std::vector<Event> events{{"a", "1"}, {"b", "2"}};
  std::string torn = batch(0, 2, events);
  torn[torn.size() - 3] = 'x';  // the head of the last payload
  for (const std::string& frame : {torn, batch(0, 2, events, flag_repeated), tight_batch(0, 2, events)}) {
    Consumer consumer({10, 5, 1 << 20});
    REQUIRE(consumer.inlet.handle(frame, at(0)) == Input::events);
    CHECK_FALSE(consumer.inlet.whole_batch());
    EventView event;
    CHECK(consumer.inlet.next(event));
    CHECK(event.payload == "1");
  }
}

TEST_CASE("credit in bytes is looked at inside a batch: its last event may pass the limit, and no other") {
  const std::vector<Event> events(10, Event{"t", std::string(100, 'x')});
  const std::uint64_t each = event_bytes(events[0].view());
  for (const std::uint64_t limit : {9 * each + 1, 9 * each, each}) {
    CAPTURE(limit);
    Inlet inlet({.demand = {.max_events = 100, .min_events = 0, .max_bytes = limit}}, at(0));
    inlet.handle(encode(Accept{id(1), {id(2), 0}, std::chrono::seconds(1)}), at(0));
    const std::string frame = batch(0, 10, events);
    REQUIRE(inlet.handle(frame, at(0)) == Inlet::Input::events);
    EventView event;
    CHECK(inlet.next(event) == (limit > 9 * each));
    CHECK(inlet.failure().reason == (limit > 9 * each ? "" : reason::credit));
  }
}

TEST_CASE("positions that go back or overlap are refused, but for the rest of a batch and for what a mark was in") {
  const auto reads = [](const std::vector<std::string>& frames) {
    Inlet inlet({}, at(0));
    inlet.handle(encode(Accept{id(1), {id(2), 0}, std::chrono::seconds(1)}), at(0));
    for (const std::string& frame : frames) {
      if (inlet.handle(frame, at(0)) != Inlet::Input::events) continue;
      for (EventView event; inlet.next(event);) inlet.handled();
    }
    return inlet.failure().reason;
  };
  const std::vector<Event> one{{"t", "x"}};
  CHECK(reads({batch(0, 4, one), batch(4, 8, one)}).empty());
  CHECK(reads({batch(0, 4, one, flag_more), batch(0, 4, one)}).empty());
  CHECK(reads({encode(Mark{6}), batch(4, 8, one)}).empty());
  CHECK(reads({batch(4, 8, one), batch(0, 4, one)}) == reason::malformed);
  CHECK(reads({batch(0, 4, one), batch(0, 4, one)}) == reason::malformed);
  CHECK(reads({batch(0, 4, one), batch(3, 8, one)}) == reason::malformed);
  CHECK(reads({batch(0, 4, one, flag_more), batch(1, 4, one)}) == reason::malformed);
  const auto behind = [&](std::uint32_t first, std::uint16_t flags) {
    const std::string events = batch(0, 4, one).substr(batch_header_bytes);
    const BatchHeader header{static_cast<std::uint32_t>(events.size()), 1, 0, 4, flags, {}, first};
    std::string head(header_bytes(header), '\0');
    write_batch_header(head.data(), header);
    return head + events;
  };
  CHECK(reads({batch(0, 4, one, flag_more), behind(1, flag_more), behind(3, 0)}).empty());
  CHECK(reads({behind(2, flag_more), behind(2, 0)}) == reason::malformed);
}

TEST_CASE("what lies behind the events that a batch can have has no position, and is not told to be made of one") {
  const std::uint64_t wide = std::uint64_t{1} << 32;
  for (const std::uint64_t events : {std::uint64_t{1}, std::uint64_t{3}, std::uint64_t{4}, ~std::uint64_t{0}, wide}) {
    const std::uint64_t upto = events == wide ? 2 * wide : 4;
    Inlet inlet({}, at(0));
    inlet.handle(encode(Accept{id(1), {id(2), 0, events}, std::chrono::seconds(1)}), at(0));
    const std::string frame = batch(0, upto, {{"t", "x"}});
    REQUIRE(inlet.handle(frame, at(0)) == Inlet::Input::events);
    EventView event;
    REQUIRE(inlet.next(event));
    CHECK(inlet.position().has_value() == (events < 4));
    CHECK(static_cast<bool>(inlet.provenance(event).origin) == (events < 4));
  }
}

}  // namespace
}  // namespace galena::core::test
