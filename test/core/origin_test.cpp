// SPDX-License-Identifier: Apache-2.0
// What events were made of: written by a relay's log, and used by a consumer to pass over what comes again.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "frames.hpp"
#include "galena/core/inlet.hpp"
#include "galena/core/ledger.hpp"
#include "galena/core/outlet.hpp"

namespace galena::core::test {
namespace {

using namespace std::chrono_literals;
using Strings = std::vector<std::string>;

Subscribe wish(std::uint64_t events, const Selection& selection = {}) {
  Subscribe wish;
  wish.selection = selection;
  wish.credit = {events, plenty};
  return wish;
}

/// A relay's output, as the frames that a subscriber of everything or of one topic gets.
struct Relay {
  Outlet outlet;

  explicit Relay(std::uint8_t stream) : outlet({.stage = id(1), .stream = id(stream), .buffer = {}}) {}
  void subscribe(const Selection& selection = {}) { outlet.handle("c", wish(1000, selection), at(0)); }
  void make(const std::string& topic, std::uint64_t from, std::uint64_t ordinal, std::uint64_t part,
            bool repeated = false) {
    const Provenance made{repeated, {{id(50), from, ordinal}, part}};
    const std::string payload = std::to_string(from) + "." + std::to_string(ordinal) + "." + std::to_string(part);
    REQUIRE(outlet.append({topic, payload}, &made) == Outlet::Answer::accepted);
  }
  std::vector<std::string> frames() {
    std::vector<std::string> frames;
    std::vector<Parcel> parcels;
    outlet.poll(parcels, at(0));
    for (Parcel& parcel : parcels) {
      frames.emplace_back(parcel.view());
      if (parcel.segment != nullptr) parcel.segment->release();
    }
    return frames;
  }
};

/// What of these frames reaches the handler.
Strings received(Seen& seen, const std::vector<std::string>& frames) {
  Inlet inlet({.demand = {1000, 500, plenty}, .seen = &seen}, at(0));
  Strings events;
  for (const std::string& frame : frames) {
    const auto input = inlet.handle(frame, at(0));
    if (input != Inlet::Input::events) continue;
    for (EventView event; inlet.next(event);) {
      events.push_back(std::string(event.payload) + (event.repeated ? "?" : ""));
      inlet.handled();
    }
    CHECK(inlet.failure().reason.empty());
  }
  return events;
}

TEST_CASE(
    "what a relay's successor makes again is passed over, whatever the batches; what is new comes, marked or not") {
  Seen seen;
  Relay first(10);
  first.subscribe();
  for (std::uint64_t i = 0; i < 4; ++i) first.make("t", 100, i, 0);
  CHECK(received(seen, first.frames()) == Strings{"100.0.0", "100.1.0", "100.2.0", "100.3.0"});

  Relay second(11);
  second.subscribe();
  for (std::uint64_t i = 2; i < 6; ++i) second.make("t", 100, i, 0, true);
  second.make("t", 200, 0, 0);
  CHECK(received(seen, second.frames()) == Strings{"100.4.0?", "100.5.0?", "200.0.0"});
}

TEST_CASE("parts of one event, holes between, and a batch for each other origin: all are told exactly") {
  Relay relay(10);
  relay.subscribe(topics({"t"}));
  relay.make("t", 0, 0, 0);
  relay.make("t", 0, 0, 1);
  relay.make("x", 0, 0, 2);
  relay.make("t", 0, 0, 3);    // a part is missing: another batch
  relay.make("t", 0, 300, 0);  // a step of more than a byte
  relay.make("x", 0, 301, 0);
  relay.make("t", 0, 301, 1);  // a later one's second part
  relay.make("t", 7, 0, 0);
  std::vector<Origin> origins;
  for (const std::string& frame : relay.frames()) {
    if (!starts_with_batch(frame)) continue;
    std::string_view rest = frame;
    while (!rest.empty()) {
      const auto header = read_batch_header(rest);
      REQUIRE(header);
      EventReader reader(rest.substr(0, header->bytes), true);
      Origin origin = header->origin;
      bool first = true;
      for (EventView event; reader.next(event); first = false) {
        if (!first) origin.advance(reader.step());
        origins.push_back(origin);
        CHECK(event.payload == std::to_string(origin.place.from) + "." + std::to_string(origin.place.events) + "." +
                                   std::to_string(origin.part));
      }
      rest.remove_prefix(header->bytes);
    }
  }
  CHECK(origins.size() == 6);
}

TEST_CASE("a cut batch tells the origin of its own first event") {
  Relay relay(10);
  relay.outlet.handle("c", wish(2), at(0));
  for (std::uint64_t i = 0; i < 5; ++i) relay.make("t", 0, i * 3, 0);
  std::vector<std::string> frames = relay.frames();
  for (std::uint64_t handled = 2; handled < 5; handled += 2) {
    relay.outlet.handle("c", Grant{handled, {handled + 2, plenty}}, at(0));
    for (std::string& frame : relay.frames()) frames.push_back(std::move(frame));
  }
  std::vector<std::uint64_t> ordinals;
  for (const std::string& frame : frames) {
    std::string_view rest = frame;
    if (!starts_with_batch(rest)) continue;
    const auto header = read_batch_header(rest);
    REQUIRE(header);
    ordinals.push_back(header->origin.place.events);
  }
  CHECK(ordinals == std::vector<std::uint64_t>{0, 6, 12});
}

TEST_CASE("plain events and those that were made of others do not share a batch") {
  Outlet outlet({.stage = id(1), .stream = id(2), .buffer = {}});
  outlet.handle("c", wish(1000), at(0));
  const Provenance repeated{true, {}};
  REQUIRE(outlet.append({"t", "plain"}) == Outlet::Answer::accepted);
  REQUIRE(outlet.append({"t", "marked"}, &repeated) == Outlet::Answer::accepted);
  REQUIRE(outlet.append({"t", "marked too"}, &repeated) == Outlet::Answer::accepted);
  REQUIRE(outlet.append({"t", "plain again"}) == Outlet::Answer::accepted);
  std::vector<Parcel> parcels;
  outlet.poll(parcels, at(0));
  std::vector<std::uint32_t> counts;
  for (Parcel& parcel : parcels) {
    std::string_view rest = parcel.view();
    while (starts_with_batch(rest)) {
      const auto header = read_batch_header(rest);
      counts.push_back(header->count * 10U + header->flags);
      rest.remove_prefix(header->bytes);
    }
    if (parcel.segment != nullptr) parcel.segment->release();
  }
  CHECK(counts == std::vector<std::uint32_t>{10, 22, 10});
}

TEST_CASE("an inlet says of what was put together from what is kept that it was repeated, and nothing of its origin") {
  Inlet inlet({.identity = "c", .demand = {1000, 500, plenty}, .exact = false}, at(0));
  Accept accept{id(1), {id(9), 4}, 10s};
  accept.repeated = Place{id(9), 8, 0};
  REQUIRE(inlet.handle(encode(accept), at(0)) == Inlet::Input::accepted);
  const std::string frame = batch(4, 6, {{"t", "a"}}, flag_recut) + batch(8, 9, {{"t", "b"}});
  REQUIRE(inlet.handle(frame, at(0)) == Inlet::Input::events);
  EventView event;
  REQUIRE(inlet.next(event));
  CHECK(event.repeated);
  CHECK_FALSE(inlet.provenance(event).origin);
  CHECK(inlet.provenance(event).repeated);
  inlet.handled();
  REQUIRE(inlet.next(event));
  CHECK_FALSE(event.repeated);
  CHECK((inlet.provenance(event).origin == Origin{{id(9), 8, 0}, 0}));
}

TEST_CASE("a mark ends inside a batch where the one before ended, and what is remembered is not marked") {
  for (const bool exact : {false, true}) {
    std::optional<Standing> before;
    if (exact) before = Standing{.place = {id(9), 4}};
    Inlet inlet({.identity = "c", .demand = {1000, 500, plenty}, .previous = before, .exact = exact}, at(0));
    Accept accept{id(1), {id(9), 4}, 10s};
    accept.repeated = Place{id(9), 4, 2};
    REQUIRE(inlet.handle(encode(accept), at(0)) == Inlet::Input::accepted);
    const std::string frame = batch(4, 8, {{"t", "a"}, {"t", "b"}, {"t", "c"}});
    REQUIRE(inlet.handle(frame, at(0)) == Inlet::Input::events);
    std::vector<bool> marks;
    for (EventView event; inlet.next(event); inlet.handled()) marks.push_back(event.repeated);
    CHECK(marks == (exact ? std::vector<bool>{false, false, false} : std::vector<bool>{true, true, false}));
  }
}

TEST_CASE("a ledger settles what became output that is acknowledged, and with it what became nothing") {
  Ledger ledger;
  ledger.record(5, 1, {});
  ledger.record(5, 3, {});  // two of which nothing was made
  ledger.record(9, 4, {});
  CHECK(ledger.size() == 2);
  CHECK_FALSE(ledger.acknowledge(4));
  CHECK(ledger.acknowledge(5)->handled == 3);
  CHECK_FALSE(ledger.acknowledge(8));
  CHECK(ledger.acknowledge(100)->handled == 4);
}

TEST_CASE("who acknowledges later grants as it handles, and acknowledges when it is told to") {
  Inlet inlet({.demand = {10, 5, plenty}, .acknowledge_later = true}, at(0));
  REQUIRE(inlet.handle(encode(Accept{id(1), {id(9), 0}, 10s}), at(0)) == Inlet::Input::accepted);
  std::string frame = batch(0, 2, {{"t", "a"}, {"t", "b"}});
  REQUIRE(inlet.handle(frame, at(0)) == Inlet::Input::events);
  for (EventView event; inlet.next(event);) inlet.handled();
  const auto first = expect<Grant>(inlet.poll_grant(true, at(0)).value());
  CHECK(first.acknowledged == 0);
  CHECK(first.limit.events == 12);
  CHECK_FALSE(inlet.poll_grant(true, at(0)));
  inlet.acknowledge(2);
  CHECK(expect<Grant>(inlet.poll_grant(true, at(0)).value()).acknowledged == 2);
  inlet.stop_granting();
  frame = batch(2, 3, {{"t", "c"}});
  REQUIRE(inlet.handle(frame, at(0)) == Inlet::Input::events);
  for (EventView event; inlet.next(event);) inlet.handled();
  CHECK_FALSE(inlet.poll_grant(true, at(0)));
  inlet.acknowledge(3);
  CHECK(expect<Grant>(inlet.poll_grant(true, at(0)).value()).limit.events == 12);
}

}  // namespace
}  // namespace galena::core::test
