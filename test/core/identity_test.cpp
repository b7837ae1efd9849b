// SPDX-License-Identifier: Apache-2.0
// Places that are taken up by another: who has an identity, where it goes on, and what of that was sent before.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "frames.hpp"
#include "galena/core/outlet.hpp"

namespace galena::core::test {
namespace {

using namespace std::chrono_literals;
using Strings = std::vector<std::string>;

/// Somebody without an identity.
Subscribe stranger() {
  Subscribe wish;
  wish.subscription = id(9);
  wish.epoch = 1;
  wish.credit = {100, plenty};
  return wish;
}

struct Producer {
  Outlet outlet;

  static Outlet::Options options(std::uint64_t retain = 0, std::vector<std::string> expect = {}) {
    Outlet::Options options{
        .stage = id(1), .stream = id(2), .buffer = {.limit_bytes = 1 << 20, .retain_bytes = retain}};
    options.hold = 30s;
    options.expect = std::move(expect);
    return options;
  }
  explicit Producer(std::uint64_t retain = 0, std::vector<std::string> expect = {})
      : outlet(options(retain, std::move(expect)), at(0)) {}

  void append(int from, int upto) {
    for (; from < upto; ++from) {
      REQUIRE(outlet.append({from % 2 == 0 ? "even" : "odd", std::to_string(from)}) == Outlet::Answer::accepted);
    }
  }
  /// `subscription` stands for the process.
  void subscribe(const std::string& peer, std::uint8_t subscription, std::uint64_t epoch,
                 std::optional<Place> resume = {}, const Selection& selection = {}, std::uint64_t credit = 1000) {
    Subscribe wish;
    wish.subscription = id(subscription);
    wish.epoch = epoch;
    wish.identity = "c";
    wish.selection = selection;
    wish.credit = {credit, plenty};
    wish.resume = resume;
    outlet.handle(peer, wish, at(0));
  }
  void acknowledge(const std::string& peer, std::uint64_t events) {
    outlet.handle(peer, Grant{events, {1000 + events, plenty}}, at(0));
  }
  /// "peer: what", with events by their payloads.
  Strings poll() {
    Strings lines;
    while (outlet.wants_poll()) {
      std::vector<Parcel> parcels;
      outlet.poll(parcels, at(0));
      for (Parcel& parcel : parcels) {
        lines.push_back(parcel.peer + ": " + tell(parcel.view()));
        if (parcel.segment != nullptr) parcel.segment->release();
      }
    }
    return lines;
  }

 private:
  static std::string tell(std::string_view frame) {
    std::string line;
    if (starts_with_batch(frame)) {
      const auto batches = read_batches(frame);
      REQUIRE(batches);
      for (const Batch& batch : *batches) {
        line += "[" + std::to_string(batch.header.from) + "," + std::to_string(batch.header.upto) + ")";
        for (const Event& event : batch.events) line += " " + event.payload;
        if ((batch.header.flags & flag_recut) != 0) line += " recut";
        if ((batch.header.flags & flag_repeated) != 0) line += " repeated";
      }
      return line;
    }
    const auto message = decode(frame);
    REQUIRE(message);
    if (const auto* accept = std::get_if<Accept>(&*message)) {
      line = "accept " + std::to_string(accept->place.from) + "+" + std::to_string(accept->place.events);
      if (const auto& point = accept->repeated) {
        line += " repeated " + std::to_string(point->from) + "+" + std::to_string(point->events);
      }
      return line;
    }
    if (const auto* gap = std::get_if<Gap>(&*message)) {
      return "gap [" + std::to_string(gap->from) + "," + std::to_string(gap->upto) + ") " +
             (gap->count ? std::to_string(*gap->count) : "unknown") + " " + gap->reason;
    }
    if (const auto* cancel = std::get_if<Cancel>(&*message)) return "cancel " + cancel->reason;
    if (const auto* mark = std::get_if<Mark>(&*message)) return "mark " + std::to_string(mark->upto);
    if (const auto* draining = std::get_if<Draining>(&*message)) return "draining " + std::to_string(draining->upto);
    if (const auto* end = std::get_if<End>(&*message)) return "end " + std::to_string(end->upto);
    return "?";
  }
};

TEST_CASE("a successor without a memory goes on behind what was acknowledged, and is told what was sent before") {
  Producer producer;
  producer.subscribe("a", 7, 1);
  producer.append(0, 4);
  CHECK(producer.poll() == Strings{"a: accept 0+0", "a: [0,4) 0 1 2 3"});
  producer.acknowledge("a", 1);
  producer.outlet.handle_gone("a", at(0));
  producer.append(4, 6);
  producer.subscribe("b", 8, 2);
  CHECK(producer.poll() == Strings{"b: accept 0+1 repeated 4+0", "b: [0,4) 1 2 3", "b: [4,6) 4 5"});
}

TEST_CASE("a consumer that comes back to its place gets what another was sent meanwhile with a mark on it") {
  Producer producer;
  producer.subscribe("a", 7, 1);
  producer.append(0, 4);
  producer.poll();
  producer.outlet.handle_gone("a", at(0));
  producer.subscribe("b", 8, 2);
  producer.poll();
  producer.outlet.handle_gone("b", at(0));
  producer.subscribe("a again", 7, 3, Place{id(2), 0, 1});
  CHECK(producer.poll() == Strings{"a again: accept 0+1 repeated 4+0", "a again: [0,4) 1 2 3 repeated"});
}

TEST_CASE("what may have been sent before a place was given up stays doubtful for all who have the identity later") {
  Producer producer(1 << 16);
  producer.subscribe("other", 1, 1);
  producer.append(0, 6);
  producer.poll();
  producer.acknowledge("other", 6);
  producer.outlet.handle("other", Cancel{std::string(reason::cancelled), ""}, at(0));
  producer.subscribe("a", 7, 2, Place{id(2), 2, 0}, {}, 1);
  CHECK(producer.poll() == Strings{"a: accept 2+0 repeated 6+0", "a: [2,3) 2 recut"});
  producer.outlet.handle_gone("a", at(0));
  producer.subscribe("b", 8, 3);
  CHECK(producer.poll() == Strings{"b: accept 2+0 repeated 6+0", "b: [2,6) 2 3 4 5 recut"});
}

TEST_CASE("the later of two has the identity, in whatever order they come, and the earlier is told") {
  Producer producer;
  producer.subscribe("late", 8, 200);
  producer.poll();
  producer.subscribe("early", 7, 100);
  CHECK(producer.poll() == Strings{"early: cancel superseded"});
  CHECK(producer.outlet.has_link("late"));
  producer.subscribe("latest", 9, 300);
  CHECK(producer.poll() == Strings{"late: cancel superseded", "latest: accept 0+0"});
  // It is not taken for the latest because its connection was made last.
  producer.subscribe("late again", 8, 201);
  CHECK(producer.poll() == Strings{"late again: cancel superseded"});
  CHECK(producer.outlet.links().size() == 1);
}

TEST_CASE("the identity of one that is away is not to be had by one that started earlier") {
  Producer producer;
  producer.subscribe("late", 8, 200);
  producer.outlet.handle("late", Cancel{std::string(reason::away), ""}, at(0));
  producer.poll();
  producer.subscribe("early", 7, 100);
  CHECK(producer.poll() == Strings{"early: cancel superseded"});
}

TEST_CASE(
    "a place that is not held is found again in what is retained, cut to where it was; all of it is told as sent") {
  Producer producer(1 << 16);
  producer.subscribe("other", 1, 1, {}, topics({"nothing"}));
  producer.append(0, 6);
  producer.poll();
  producer.subscribe("b", 8, 2, Place{id(2), 2, 1}, topics({"even"}));
  CHECK(producer.poll() == Strings{"other: cancel superseded", "b: accept 2+1 repeated 6+0", "b: [2,6) 4 recut"});
  producer.append(6, 8);
  producer.acknowledge("b", 1);
  CHECK(producer.poll() == Strings{"b: [6,8) 6"});
}

TEST_CASE("what is not kept any more is told: with its number if everything is selected, else without one") {
  Producer producer;
  producer.subscribe("x", 1, 1);
  producer.append(0, 6);
  producer.poll();
  producer.acknowledge("x", 6);
  producer.outlet.handle("x", Cancel{std::string(reason::cancelled), ""}, at(0));
  producer.subscribe("a", 7, 2, Place{id(2), 2, 1});
  CHECK(producer.poll() == Strings{"a: accept 2+1 repeated 6+0", "a: gap [2,6) 3 evicted"});
  producer.outlet.handle("a", Cancel{std::string(reason::cancelled), ""}, at(0));
  producer.subscribe("b", 8, 3, Place{id(2), 2, 1}, topics({"even"}));
  CHECK(producer.poll() == Strings{"b: accept 2+1 repeated 6+0", "b: gap [2,6) unknown evicted"});
}

TEST_CASE("other topics start at the batch in which the place was, from what is retained") {
  Producer producer(1 << 16);
  producer.subscribe("a", 7, 1, {}, topics({"even"}));
  producer.append(0, 4);
  producer.poll();
  producer.acknowledge("a", 2);
  producer.outlet.handle_gone("a", at(0));
  producer.subscribe("b", 8, 2, Place{id(2), 0, 0}, topics({"odd"}));
  CHECK(producer.poll() == Strings{"b: accept 0+0 repeated 4+0", "b: [0,4) 1 3 recut"});
}

TEST_CASE("who comes from a predecessor's stream gets the oldest that is kept") {
  Producer producer(1 << 16);
  producer.subscribe("other", 1, 1);
  producer.append(0, 3);
  producer.poll();
  producer.acknowledge("other", 3);
  Subscribe wish = stranger();
  wish.resume = Place{id(77), 1000, 3};
  wish.selection = topics({"odd"});
  producer.outlet.handle("z", wish, at(0));
  CHECK(producer.poll() == Strings{"z: accept 0+0", "z: [0,3) 1 recut"});
}

TEST_CASE(
    "an expected identity misses nothing, whoever subscribes before it; what it has holds up nobody after `hold`") {
  Producer producer(0, {"c", "never"});
  producer.append(0, 2);
  const Subscribe other = stranger();
  producer.outlet.handle("first", other, at(0));
  producer.append(2, 4);
  CHECK(producer.poll() == Strings{"first: accept 0+0", "first: [0,2) 0 1[2,4) 2 3"});
  producer.outlet.handle("first", Grant{4, {100, plenty}}, at(0));
  CHECK_FALSE(producer.outlet.drained());
  CHECK(producer.outlet.acknowledged_upto() == 0);
  producer.subscribe("b", 8, 2, {}, topics({"even"}));
  CHECK(producer.poll() == Strings{"b: accept 0+0", "b: [0,4) 0 2 recut"});
  producer.acknowledge("b", 2);
  producer.poll();
  CHECK(producer.outlet.acknowledged_upto() == 0);  // for the other one
  producer.outlet.handle("first", Grant{4, {100, plenty}}, at(29'000));
  producer.outlet.handle("b", Grant{2, {1002, plenty}}, at(29'000));
  producer.outlet.handle_time(at(30'000));
  producer.poll();
  CHECK(producer.outlet.acknowledged_upto() == 4);
  CHECK(producer.outlet.drained());
}

TEST_CASE("settled is what all with an identity have acknowledged; those without, and lone topics, hold nothing up") {
  Producer producer;
  CHECK(producer.outlet.acknowledged_upto() == 0);
  producer.append(0, 1);
  CHECK(producer.outlet.acknowledged_upto() == 0);  // nobody was offered it
  producer.subscribe("a", 7, 1, {}, topics({"even"}));
  const Subscribe other = stranger();
  producer.outlet.handle("nobody", other, at(0));
  producer.append(1, 2);
  producer.poll();
  CHECK(producer.outlet.acknowledged_upto() == 0);
  producer.acknowledge("a", 1);
  CHECK(producer.outlet.acknowledged_upto() == 2);
  producer.append(2, 3);
  producer.poll();
  CHECK(producer.outlet.acknowledged_upto() < 3);
  producer.outlet.handle_gone("a", at(0));
  CHECK(producer.outlet.acknowledged_upto() < 3);
}

TEST_CASE("draining is told to those who are there, and to those who come") {
  Producer producer;
  producer.subscribe("a", 7, 1);
  producer.append(0, 2);
  producer.poll();
  producer.outlet.drain();
  CHECK(producer.poll() == Strings{"a: draining 2"});
  producer.subscribe("b", 8, 2);
  CHECK(producer.poll() ==
        Strings{"a: cancel superseded", "b: accept 0+0 repeated 2+0", "b: draining 2", "b: [0,2) 0 1"});
}

TEST_CASE("the account of a subscription balances through all that") {
  Producer producer(1 << 16);
  const auto account = [&] { return producer.outlet.links().at(0); };
  const auto balances = [&] {
    const LinkInfo link = account();
    return link.selected == link.sent + link.held() + link.dropped && link.acknowledged <= link.sent;
  };
  producer.subscribe("a", 7, 1, {}, {}, 3);
  producer.append(0, 5);
  producer.poll();
  CHECK(balances());
  CHECK(account().held() == 2);
  producer.outlet.handle("a", Grant{2, {3, plenty}}, at(0));
  producer.outlet.handle_gone("a", at(0));
  CHECK(balances());
  CHECK(account().away);
  CHECK(account().acknowledged == 2);
  CHECK(account().held() == 3);
  producer.subscribe("b", 8, 2, Place{id(2), 0, 0});  // its store is older than what was acknowledged
  producer.poll();
  CHECK(balances());
}

TEST_CASE("a gap is told with the same count over each link until it is heard, and counted once") {
  Producer producer;
  producer.outlet.handle("x", stranger(), at(0));
  producer.append(0, 4);
  producer.poll();
  producer.acknowledge("x", 4);
  for (std::uint64_t attempt = 1; attempt <= 10; ++attempt) {
    const std::string peer = "a" + std::to_string(attempt);
    producer.subscribe(peer, 7, attempt, Place{id(2), 0, 0});
    const Strings lines = producer.poll();
    CHECK(std::count(lines.begin(), lines.end(), peer + ": gap [0,4) 4 evicted") >= 1);
    for (const std::string& line : lines) CHECK(line.find("unknown") == std::string::npos);
    CHECK(producer.outlet.links().front().lost + producer.outlet.links().back().lost == 4);
    producer.outlet.handle_gone(peer, at(0));
  }
}

TEST_CASE("whoever is told that a later one has the identity is told from when that is") {
  Producer producer;
  producer.subscribe("late", 8, 200);
  producer.poll();
  producer.subscribe("clock set back", 7, 100);
  std::vector<Parcel> parcels;
  producer.outlet.poll(parcels, at(0));
  REQUIRE(parcels.size() == 1);
  CHECK(expect<Cancel>(parcels[0].view()).epoch == 200);
  producer.subscribe("once more", 7, 201);
  CHECK(producer.poll() == Strings{"late: cancel superseded", "once more: accept 0+0"});
}

TEST_CASE("whoever comes back from another producer of the same name finds its place as it left it") {
  for (const std::uint8_t holder : {7, 8}) {  // the same process, and its successor
    Producer producer;
    producer.subscribe("a", 7, 1);
    producer.append(0, 4);
    producer.poll();
    producer.acknowledge("a", 1);
    producer.outlet.handle_gone("a", at(0));
    producer.append(4, 6);
    producer.subscribe("b", holder, 9, Place{id(5), 300, 2});
    CHECK(producer.poll() == Strings{"b: accept 0+1 repeated 4+0", "b: [0,4) 1 2 3", "b: [4,6) 4 5"});
    CHECK(producer.outlet.buffer().drops().total() == 0);
  }
}

TEST_CASE("what a predecessor acknowledged is no gap for a successor that does not know of it") {
  Producer producer;
  producer.subscribe("a", 7, 1);
  producer.append(0, 4);
  producer.poll();
  producer.acknowledge("a", 4);
  producer.append(4, 6);
  producer.subscribe("b", 8, 2, Place{id(2), 0, 2});
  const Strings lines = producer.poll();
  CHECK(std::count(lines.begin(), lines.end(), "b: mark 4") == 1);
  for (const std::string& line : lines) CHECK(line.find("gap") == std::string::npos);
}

TEST_CASE("whoever comes back to an earlier batch gets the one in which it was known to stand from its first event") {
  Producer producer(1 << 16);
  producer.subscribe("a", 7, 1);
  producer.append(0, 4);
  producer.poll();
  producer.acknowledge("a", 4);
  producer.append(4, 8);
  producer.poll();
  producer.acknowledge("a", 5);
  producer.outlet.handle_gone("a", at(0));
  producer.subscribe("b", 8, 2, Place{id(2), 0, 2});
  CHECK(producer.poll() == Strings{"b: accept 0+2 repeated 8+0", "b: [0,4) 2 3 recut repeated"});
  producer.acknowledge("b", 2);
  CHECK(producer.poll() == Strings{"b: [4,8) 4 5 6 7 repeated"});
}

TEST_CASE("a successor gets what is retained of what its predecessor handled, if its own place does not cover that") {
  Producer producer(1 << 16);
  producer.subscribe("a", 7, 1);
  producer.append(0, 4);
  producer.poll();
  producer.acknowledge("a", 4);
  producer.outlet.handle_gone("a", at(0));
  producer.subscribe("b", 8, 2, Place{id(2), 0, 2});
  CHECK(producer.poll() == Strings{"b: accept 0+2 repeated 4+0", "b: [0,4) 2 3 recut repeated"});
}

TEST_CASE(
    "a consumer that acknowledged something and has no place any more is not the one that it was: it begins anew") {
  Producer producer;
  producer.subscribe("a", 7, 1);
  producer.append(0, 4);
  producer.poll();
  producer.acknowledge("a", 2);
  producer.outlet.handle_gone("a", at(0));
  producer.append(4, 6);
  producer.subscribe("b", 7, 2);
  const Strings lines = producer.poll();
  CHECK(lines.front() == "b: accept 6+0");
  CHECK(lines.size() == 1);
  CHECK(producer.outlet.buffer().drops().total() == 4);
  // One that acknowledged nothing cannot have forgotten anything: it goes on where it stood.
  producer.append(6, 8);
  producer.poll();
  producer.outlet.handle_gone("b", at(0));
  producer.subscribe("c", 7, 3);
  CHECK(producer.poll().front() == "c: accept 6+0 repeated 8+0");
}

TEST_CASE("a replay that begins behind what is gone marks what may have been handled") {
  Producer producer(70);  // of the batches below, the last one
  producer.subscribe("x", 1, 1);
  for (int from = 0; from < 6; from += 2) {
    producer.append(from, from + 2);
    producer.poll();
    producer.acknowledge("x", static_cast<std::uint64_t>(from) + 2);
  }
  producer.outlet.handle("x", Cancel{std::string(reason::cancelled), ""}, at(0));
  producer.subscribe("b", 8, 3, Place{id(2), 0, 1}, topics({"even"}));
  CHECK(producer.poll() ==
        Strings{"b: accept 0+1 repeated 6+0", "b: gap [0,4) unknown evicted", "b: [4,6) 4 recut repeated"});
}

TEST_CASE("a full buffer gives up a place that has no identity, and waits for one that has") {
  for (const bool has_identity : {false, true}) {
    Outlet::Options options = Producer::options();
    options.buffer.limit_events = 2;
    Outlet outlet(options, at(0));
    Subscribe wish = stranger();
    if (has_identity) wish.identity = "c";
    outlet.handle("a", wish, at(0));
    for (int i = 0; i < 2; ++i) REQUIRE(outlet.append({"t", std::to_string(i)}) == Outlet::Answer::accepted);
    outlet.handle_gone("a", at(0));
    const auto answer = outlet.append({"t", "2"});
    CHECK(answer == (has_identity ? Outlet::Answer::full : Outlet::Answer::accepted));
    CHECK(outlet.links().size() == (has_identity ? 1U : 0U));
    CHECK(outlet.buffer().drops().total() == (has_identity ? 0U : 2U));
  }
}

TEST_CASE("as many places are held as the bound says, and not one more") {
  Outlet outlet(Producer::options(), at(0));
  Subscribe wish = stranger();
  for (std::size_t number = 0; number <= Outlet::max_places; ++number) {
    wish.subscription.bytes = {1, static_cast<std::uint8_t>(number >> 8U), static_cast<std::uint8_t>(number & 255U)};
    outlet.handle("a", wish, at(0));
    outlet.handle_gone("a", at(0));
    outlet.take_notes();
    outlet.take_changes();
  }
  CHECK(outlet.links().size() == Outlet::max_places);
}

TEST_CASE("a subscription begins in front of the gap that it is told of, so that the gap cannot be missed") {
  auto options = Producer::options();
  options.buffer.when_full = WhenFull::keep_last;
  options.buffer.limit_events = 2;
  Outlet outlet(options, at(0));
  for (int i = 0; i < 5; ++i) REQUIRE(outlet.append({"t", std::to_string(i)}) == Outlet::Answer::accepted);
  outlet.handle("a", stranger(), at(0));
  std::vector<Parcel> parcels;
  outlet.poll(parcels, at(0));
  REQUIRE(parcels.size() >= 2);
  CHECK(expect<Accept>(parcels[0].view()).place.from == 0);
  CHECK(expect<Gap>(parcels[1].view()).count == 3U);
  for (Parcel& parcel : parcels) {
    if (parcel.segment != nullptr) parcel.segment->release();
  }
}

}  // namespace
}  // namespace galena::core::test
