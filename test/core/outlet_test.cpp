// SPDX-License-Identifier: Apache-2.0
#include "galena/core/outlet.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>

#include "frames.hpp"
#include "galena/core/transmission.hpp"

namespace galena::core::test {
namespace {

using namespace std::chrono_literals;
using Answer = Outlet::Answer;
using Counts = DropCounts;
using Strings = std::vector<std::string>;

struct OutletFixture {
  std::unique_ptr<Outlet> outlet;
  Time now = at(0);

  OutletFixture() { make({}); }
  void make(Buffer::Options buffer, std::uint64_t max_in_flight = 16 << 20) {
    outlet = std::make_unique<Outlet>(Outlet::Options{
        .stage = id(1), .stream = id(2), .buffer = buffer, .silence = 8s, .max_in_flight_bytes = max_in_flight});
  }

  void subscribe(const std::string& peer, Credit credit, const Selection& selection = {}, Id subscription = {},
                 std::uint64_t epoch = 1, Id stage = {}) {
    Subscribe wish;
    wish.stage = stage;
    wish.subscription = subscription;
    wish.epoch = epoch;
    wish.consumer = peer;
    wish.selection = selection;
    wish.credit = credit;
    wish.silence = 4s;
    outlet->handle(peer, wish, now);
  }
  void grant(const std::string& peer, std::uint64_t acknowledged, std::uint64_t events, std::uint64_t bytes = plenty) {
    outlet->handle(peer, Grant{acknowledged, {events, bytes}}, now);
  }
  void append(const std::string& topic, const std::string& payload) {
    REQUIRE(outlet->append({topic, payload}) == Answer::accepted);
  }
  void append_numbers(int from, int upto) {
    for (; from < upto; ++from) append("t", std::to_string(from));
  }

  /// What is sent now: "peer: 1 2" for batches ("+" after one of which more follows), "peer: verb" for messages.
  Strings poll() {
    std::vector<Parcel> parcels;
    outlet->poll(parcels, now);
    Strings lines;
    for (Parcel& parcel : parcels) {
      std::string line = parcel.peer + ":";
      if (starts_with_batch(parcel.view())) {
        const auto batches = read_batches(parcel.view());
        REQUIRE(batches);
        for (const Batch& batch : *batches) {
          for (const Event& event : batch.events) line += " " + event.payload.substr(0, 8);
          if (batch.header.flags == flag_more) line += " +";
        }
      } else {
        line += tell(parcel.view());
      }
      lines.push_back(line);
      if (parcel.segment != nullptr) parcel.segment->release();
    }
    CHECK(!outlet->wants_poll());
    return lines;
  }
  static std::string tell(std::string_view frame) {
    const auto message = decode(frame);
    REQUIRE(message);
    if (const auto* gap = std::get_if<Gap>(&*message)) {
      return " gap " + std::to_string(gap->from) + "-" + std::to_string(gap->upto) + " " +
             (gap->count ? std::to_string(*gap->count) : "?") + " " + gap->reason;
    }
    if (const auto* mark = std::get_if<Mark>(&*message)) return " mark " + std::to_string(mark->upto);
    if (const auto* end = std::get_if<End>(&*message)) return " end " + std::to_string(end->upto);
    if (const auto* cancel = std::get_if<Cancel>(&*message)) return " cancel " + cancel->reason;
    if (const auto* accept = std::get_if<Accept>(&*message)) {
      const Place& at = accept->place;
      return " accept " + std::to_string(at.from) + (at.events > 0 ? ":" + std::to_string(at.events) : "");
    }
    return " ?";
  }
  LinkInfo info(const std::string& consumer) {
    for (const LinkInfo& info : outlet->links()) {
      if (info.consumer == consumer) return info;
    }
    FAIL("no such link");
    return {};
  }
};

TEST_CASE_FIXTURE(OutletFixture,
                  "a peer of another version is refused by name, and counted apart from what is malformed") {
  outlet->handle("c", OtherVersion{{2, 3}}, now);
  std::vector<Parcel> parcels;
  outlet->poll(parcels, now);
  REQUIRE(parcels.size() == 1);
  const auto cancel = expect<Cancel>(parcels[0].bytes);
  CHECK(cancel.reason == reason::version);
  CHECK(cancel.detail == "this is version 1, not 2 to 3");
  CHECK(outlet->wrong_version() == 1);
  CHECK(outlet->malformed() == 0);
  CHECK(outlet->subscribers() == 0);
}

TEST_CASE_FIXTURE(OutletFixture, "a newer subscriber that speaks version 1 too gets a link of version 1") {
  Subscribe wish;
  wish.credit = {10, plenty};
  wish.versions = {1, 2};
  outlet->handle("c", wish, now);
  std::vector<Parcel> parcels;
  outlet->poll(parcels, now);
  REQUIRE(parcels.size() == 1);
  CHECK(expect<Accept>(parcels[0].bytes).version == 1);
}

TEST_CASE_FIXTURE(OutletFixture, "a subscriber is accepted, then sent what it selects within its credit") {
  subscribe("a", {3, plenty}, topics({"t"}));
  CHECK(poll() == Strings{"a: accept 0"});
  append("t", "1");
  append("x", "2");
  CHECK(outlet->wants_poll());
  CHECK(poll() == Strings{"a: 1"});
  append("t", "3");
  CHECK(poll().empty());  // one frame is not acknowledged: the next one gathers
  grant("a", 1, 4);
  CHECK(poll() == Strings{"a: 3"});
  const LinkInfo link = info("a");
  CHECK(link.selected == 2);
  CHECK(link.sent == 2);
  CHECK(link.acknowledged == 1);
  CHECK(link.dropped == 0);
  CHECK(outlet->outstanding() == 1);
  CHECK(!outlet->drained());
  grant("a", 2, 5);
  CHECK(outlet->drained());
  CHECK(outlet->outstanding() == 0);
}

TEST_CASE_FIXTURE(OutletFixture,
                  "credit in events is never exceeded, a batch that passes it is cut, and goes on where it was") {
  subscribe("a", {4, plenty});
  append_numbers(0, 10);
  CHECK(poll() == Strings{"a: accept 0", "a: 0 1 2 3 +"});
  CHECK(info("a").sent == 4);
  grant("a", 0, 4);
  CHECK(poll().empty());
  grant("a", 4, 7);
  CHECK(poll() == Strings{"a: 4 5 6 +"});
  append_numbers(10, 12);
  grant("a", 7, 100);
  // The rest of the batch is a copy; what was appended since is not.
  CHECK(poll() == Strings{"a: 7 8 9", "a: 10 11"});
}

TEST_CASE_FIXTURE(OutletFixture, "the parts of a cut batch speak of the same positions") {
  subscribe("a", {2, plenty}, topics({"t"}));
  append("x", "");
  append_numbers(0, 3);
  append("x", "");
  std::vector<Parcel> parcels;
  outlet->poll(parcels, now);
  REQUIRE(parcels.size() == 2);
  const auto first = read_batches(parcels[1].view());
  CHECK(first->front().header.from == 0);
  CHECK(first->front().header.upto == 5);
  CHECK(first->front().header.flags == flag_more);
  CHECK(parcels[1].segment == nullptr);
  parcels.clear();
  grant("a", 2, 4);
  outlet->poll(parcels, now);
  REQUIRE(parcels.size() == 1);
  const auto second = read_batches(parcels[0].view());
  CHECK(second->front().header == BatchHeader{6, 1, 0, 5, 0, {}, 2});
}

TEST_CASE_FIXTURE(OutletFixture, "credit in bytes is kept but for the event that starts within it") {
  const std::string payload(95, 'x');  // 100 bytes an event
  subscribe("a", {plenty, 250});
  for (int i = 0; i < 6; ++i) append("t", std::to_string(i) + payload.substr(1));
  CHECK(poll() == Strings{"a: accept 0", "a: 0xxxxxxx 1xxxxxxx 2xxxxxxx +"});
  grant("a", 3, plenty, 300);
  CHECK(poll().empty());
  grant("a", 3, plenty, 301);
  CHECK(poll() == Strings{"a: 3xxxxxxx +"});
}

TEST_CASE_FIXTURE(OutletFixture, "one event larger than all of the credit in bytes still passes") {
  subscribe("a", {10, 10});
  append("t", std::string(200'000, 'x'));
  append("t", "y");
  CHECK(poll() == Strings{"a: accept 0", "a: xxxxxxxx"});
  grant("a", 1, 11, 200'020);
  CHECK(poll() == Strings{"a: y"});
}

TEST_CASE_FIXTURE(OutletFixture,
                  "a peer that grants without end is still not sent more than this side lets be in flight") {
  make({}, 1000);
  subscribe("a", {~std::uint64_t{0}, ~std::uint64_t{0}});
  for (int i = 0; i < 100; ++i) append("t", std::string(95, 'x'));
  int rounds = 0;
  for (std::uint64_t acknowledged = 0; acknowledged < 100; ++rounds) {
    poll();
    const std::uint64_t sent = info("a").sent;
    REQUIRE(sent > acknowledged);
    CHECK(sent <= acknowledged + 10);
    acknowledged = sent;
    grant("a", acknowledged, ~std::uint64_t{0}, ~std::uint64_t{0});
  }
  CHECK(rounds <= 20);
}

TEST_CASE_FIXTURE(OutletFixture, "while a frame is not acknowledged the next one gathers, up to a full batch") {
  subscribe("a", {plenty, plenty});
  poll();
  append("t", "first");
  CHECK(poll() == Strings{"a: first"});
  std::uint64_t count = 0;
  for (; !outlet->wants_poll(); ++count) append("t", std::string(1000, 'x'));
  CHECK(count >= Log::max_batch_bytes / 1006);
  CHECK(count <= 4 * Log::max_batch_bytes / 1006);  // the first segments are small ones
  CHECK(!poll().empty());
  CHECK(info("a").sent == count + 1);
  append("t", "alone");
  CHECK(!outlet->wants_poll());
  grant("a", info("a").sent, plenty);
  CHECK(poll() == Strings{"a: alone"});
}

TEST_CASE_FIXTURE(OutletFixture,
                  "a batch is not cut while a grant is due that lets it go whole, and is cut when none is") {
  subscribe("a", {10, plenty});
  append_numbers(0, 6);
  CHECK(poll() == Strings{"a: accept 0", "a: 0 1 2 3 4 5"});
  append_numbers(6, 14);
  grant("a", 1, 10);  // 4 left of 9: less than half
  CHECK(poll().empty());
  grant("a", 6, 10);  // nothing is in flight: nothing else would happen
  CHECK(poll() == Strings{"a: 6 7 8 9 +"});
  grant("a", 10, 20);
  CHECK(poll() == Strings{"a: 10 11 12 13"});
}

TEST_CASE_FIXTURE(OutletFixture, "frames of several links of one selection share the memory they are sent from") {
  subscribe("a", {plenty, plenty});
  subscribe("b", {plenty, plenty});
  append_numbers(0, 3);
  std::vector<Parcel> parcels;
  outlet->poll(parcels, now);
  REQUIRE(parcels.size() == 4);
  REQUIRE(parcels[2].segment != nullptr);
  CHECK(parcels[2].segment == parcels[3].segment);
  CHECK(parcels[2].view().data() == parcels[3].view().data());
  CHECK(parcels[2].peer != parcels[3].peer);
  for (Parcel& parcel : parcels) {
    if (parcel.segment != nullptr) parcel.segment->release();
  }
}

TEST_CASE_FIXTURE(OutletFixture, "a frame stays readable after its events are acknowledged and the outlet is gone") {
  subscribe("a", {plenty, plenty});
  append("t", "payload");
  std::vector<Parcel> parcels;
  outlet->poll(parcels, now);
  grant("a", 1, plenty);
  append("t", "another");
  outlet.reset();
  REQUIRE(parcels.size() == 2);
  CHECK(read_batches(parcels[1].view())->front().events == std::vector<Event>{{"t", "payload"}});
  parcels[1].segment->release();
}

TEST_CASE_FIXTURE(OutletFixture,
                  "a cancelled subscription releases what others waited for, and counts what it left by topic") {
  make({.limit_events = 5});
  subscribe("slow", {0, plenty});
  subscribe("quick", {plenty, plenty});
  append_numbers(0, 5);
  poll();
  grant("quick", 5, plenty);
  CHECK(outlet->append({"t", "6"}) == Answer::full);
  outlet->handle("slow", Cancel{"cancelled", ""}, now);
  CHECK(outlet->buffer().take_freed());
  CHECK(outlet->append({"t", "6"}) == Answer::accepted);
  CHECK(poll() == Strings{"quick: 6"});
  CHECK(outlet->subscribers() == 1);
  CHECK(outlet->buffer().drops().counts() == Counts{{{"t", "cancelled"}, 5}});
  CHECK(outlet->buffer().drops().lost() == 0);  // it did not want them
}

TEST_CASE_FIXTURE(OutletFixture, "what the only subscriber leaves unacknowledged goes to the next of its selection") {
  const Selection only_t{"t"};
  for (const Selection& selection : {Selection(), only_t}) {
    CAPTURE(selection.everything());
    make({});
    subscribe("a", {4, plenty}, selection);
    append_numbers(0, 6);
    CHECK(poll() == Strings{"a: accept 0", "a: 0 1 2 3 +"});
    grant("a", 2, 4);
    outlet->handle("a", Cancel{"cancelled", ""}, now);
    append("t", "6");
    append("other", "7");
    CHECK(outlet->outstanding() == 6);
    CHECK(outlet->acknowledged_upto() == 2);
    CHECK(!outlet->drained());
    subscribe("b", {plenty, plenty}, selection);
    const bool all = selection.everything();
    const Strings got = poll();
    REQUIRE(got.size() == 3);
    CHECK(got[0] == "b: accept 0:2");
    CHECK(got[1] == "b: 2 3 4 5");
    CHECK(got[2] == (all ? "b: 6 7" : "b: 6"));
    CHECK(info("b").selected == (all ? 6 : 5));
    CHECK(outlet->outstanding() == (all ? 6 : 5));
    append("t", "8");
    grant("b", all ? 6 : 5, plenty);
    CHECK(poll() == Strings{"b: 8"});
    grant("b", all ? 7 : 6, plenty);
    CHECK(outlet->drained());
    CHECK(outlet->buffer().drops().total() == 0);
  }
}

TEST_CASE_FIXTURE(OutletFixture,
                  "an expected identity gets all of a batch of which another had handled the beginning") {
  outlet = std::make_unique<Outlet>(
      Outlet::Options{.stage = id(1), .stream = id(2), .silence = 8s, .hold = 30s, .expect = {"me"}}, now);
  subscribe("a", {plenty, plenty});
  append_numbers(0, 4);
  poll();
  grant("a", 2, plenty);
  outlet->handle("a", Cancel{"cancelled", ""}, now);
  Subscribe wish;
  wish.identity = "me";
  wish.subscription = id(7);
  wish.epoch = 1;
  wish.credit = {plenty, plenty};
  wish.silence = 4s;
  outlet->handle("b", wish, now);
  CHECK(poll() == Strings{"b: accept 0", "b: 0 1 2 3"});
  CHECK(outlet->outstanding() == 4);
}

TEST_CASE_FIXTURE(OutletFixture,
                  "a consumer that resumes gets of what another hands on only what lies behind its place") {
  subscribe("a", {plenty, plenty});
  subscribe("c", {plenty, plenty});
  append_numbers(0, 4);
  poll();
  grant("a", 1, plenty);
  outlet->handle_gone("c", now);  // it had handled three of the four
  outlet->handle("a", Cancel{"cancelled", ""}, now);
  append_numbers(4, 6);
  Subscribe wish;
  wish.credit = {plenty, plenty};
  wish.silence = 4s;
  wish.resume = Place{id(2), 0, 3};
  outlet->handle("c again", wish, now);
  CHECK(poll() == Strings{"c again: accept 0:3", "c again: 3", "c again: 4 5"});
  grant("c again", 3, plenty);
  CHECK(outlet->drained());
}

TEST_CASE_FIXTURE(OutletFixture,
                  "a consumer of some topics resumes exactly within what a consumer of all topics hands on") {
  subscribe("a", {plenty, plenty});
  subscribe("c", {plenty, plenty}, Selection{"t"});
  for (const auto* topic : {"t", "other", "t", "t"}) append(topic, topic);
  poll();
  grant("a", 1, plenty);
  outlet->handle_gone("c", now);  // it had handled two of its three
  outlet->handle("a", Cancel{"cancelled", ""}, now);
  append("t", "last");
  Subscribe wish;
  wish.selection = Selection{"t"};
  wish.credit = {plenty, plenty};
  wish.silence = 4s;
  wish.resume = Place{id(2), 0, 2};
  outlet->handle("c again", wish, now);
  CHECK(poll() == Strings{"c again: accept 0:2", "c again: t last"});
  grant("c again", 2, plenty);
  CHECK(outlet->drained());
}

TEST_CASE_FIXTURE(OutletFixture, "what made room of a batch that another hands on is told to a consumer with a place") {
  make({.limit_events = 4, .when_full = WhenFull::keep_last});
  subscribe("a", {2, plenty});
  append_numbers(0, 4);
  CHECK(poll().back() == "a: 0 1 +");
  grant("a", 2, 2);
  outlet->handle("a", Cancel{"cancelled", ""}, now);
  append_numbers(4, 6);
  Subscribe wish;
  wish.credit = {plenty, plenty};
  wish.silence = 4s;
  wish.resume = Place{id(7), 9, 0};
  outlet->handle("b", wish, now);
  CHECK(poll() == Strings{"b: accept 0", "b: gap 0-2 2 full", "b: 2 3", "b: 4 5"});
  grant("b", 4, plenty);
  CHECK(outlet->drained());
}

TEST_CASE_FIXTURE(OutletFixture,
                  "at the end of a stream a gap has no number if some of it may not have been selected") {
  make({.limit_events = 2, .when_full = WhenFull::keep_first});
  for (const auto* payload : {"0", "1", "2", "3"}) append("t", payload);  // the last two find no room
  subscribe("a", {1, plenty}, Selection{"t"});
  CHECK(poll() == Strings{"a: accept 0", "a: 0 +"});
  outlet->end();
  CHECK(poll() == Strings{"a: gap 0-4 ? stopped", "a: end 4"});
}

TEST_CASE_FIXTURE(OutletFixture, "what is handed on is counted by topic if the next subscriber selects otherwise") {
  const Selection mine{"x", "y"};
  subscribe("a", {plenty, plenty}, mine);
  for (const auto* topic : {"x", "y", "y", "z"}) append(topic, topic);
  poll();
  grant("a", 1, plenty);
  outlet->handle("a", Cancel{"cancelled", ""}, now);
  CHECK(outlet->outstanding() == 2);
  CHECK(outlet->buffer().drops().total() == 0);
  append("z", "4");
  subscribe("b", {plenty, plenty});
  CHECK(poll() == Strings{"b: accept 4", "b: 4"});
  CHECK(outlet->buffer().drops().counts() == Counts{{{"y", "cancelled"}, 2}});
  CHECK(outlet->outstanding() == 1);
}

TEST_CASE_FIXTURE(OutletFixture, "what several leave one after the other is handed on by each") {
  append_numbers(0, 3);
  for (int i = 0; i < 3; ++i) {
    const std::string peer = "p" + std::to_string(i);
    subscribe(peer, {1, plenty});
    CHECK(poll().back() == peer + ": " + std::to_string(i) + (i < 2 ? " +" : ""));
    grant(peer, 1, 1);
    outlet->handle(peer, Cancel{"cancelled", ""}, now);
  }
  CHECK(outlet->drained());
  CHECK(outlet->buffer().drops().total() == 0);
}

TEST_CASE_FIXTURE(OutletFixture, "keep_last drops what was handed on before it drops anything newer") {
  const Selection only_t{"t"};
  make({.limit_bytes = 64 << 10, .when_full = WhenFull::keep_last});
  subscribe("a", {plenty, plenty}, only_t);
  for (int i = 0; i < 6; ++i) append("t", std::string(4000, 'a'));
  poll();
  outlet->handle("a", Cancel{"cancelled", ""}, now);
  CHECK(outlet->outstanding() == 6);
  for (int i = 0; i < 12; ++i) append("t", std::string(4000, 'b'));
  CHECK(outlet->buffer().drops().counts().at({"t", "full"}) >= 6);
  subscribe("b", {plenty, plenty}, only_t);
  const Strings got = poll();
  CHECK(std::none_of(got.begin(), got.end(), [](const std::string& line) { return line.ends_with("aaaa"); }));
  CHECK(got.back().ends_with("bbbb"));
}

TEST_CASE_FIXTURE(OutletFixture, "a peer that is gone loses what it did not acknowledge, counted by topic") {
  subscribe("a", {3, plenty});
  for (const auto* topic : {"x", "y", "y", "z"}) append(topic, "p");
  poll();
  grant("a", 1, 3);
  outlet->handle_gone("a", now);
  CHECK(outlet->buffer().drops().counts() == Counts{{{"y", "lost"}, 2}, {{"z", "lost"}, 1}});
  CHECK(outlet->subscribers() == 0);
  CHECK(outlet->drained());
  outlet->handle_gone("a", now);
  CHECK(outlet->buffer().drops().total() == 3);
}

TEST_CASE_FIXTURE(OutletFixture,
                  "a peer that is silent for longer than it said is dropped, told so, and what it held is freed") {
  make({.limit_events = 2});
  subscribe("a", {1, plenty});
  append_numbers(0, 2);
  poll();
  CHECK(outlet->append({"t", "x"}) == Answer::full);
  now = at(3000);
  grant("a", 0, 1);
  now = at(7000);
  outlet->handle_time(now);
  CHECK(outlet->has_link("a"));
  now = at(7001);
  outlet->handle_time(now);
  CHECK(!outlet->has_link("a"));
  const Strings said = poll();
  CHECK(said.back() == "a: cancel silent");
  CHECK(outlet->buffer().drops().counts() == Counts{{{"t", "silent"}, 2}});
  CHECK(outlet->append({"t", "x"}) == Answer::accepted);
}

TEST_CASE_FIXTURE(OutletFixture, "a link on which nothing was said for a quarter of the silence gets a mark") {
  subscribe("all", {plenty, plenty});
  subscribe("t", {plenty, plenty}, topics({"t"}));
  subscribe("none", {0, 0});
  poll();
  append("x", "1");
  append("t", "2");
  append("x", "3");
  now = at(1000);
  poll();
  outlet->handle_time(at(1999));
  CHECK(poll().empty());
  grant("none", 0, 0);
  now = at(2000);
  outlet->handle_time(now);
  CHECK(poll() == Strings{"none: mark 0"});  // it waits for everything
  now = at(3000);
  outlet->handle_time(now);
  Strings said = poll();
  std::sort(said.begin(), said.end());
  CHECK(said == Strings{"all: mark 3", "t: mark 3"});  // what was sent last is in flight, and before the mark
}

TEST_CASE_FIXTURE(OutletFixture,
                  "a consumer that comes again takes the place of its older attempt, never of a newer one") {
  subscribe("old", {0, plenty}, {}, id(5), 3);
  append("t", "1");
  poll();
  subscribe("older", {0, plenty}, {}, id(5), 2);
  CHECK(!outlet->has_link("older"));
  CHECK(outlet->has_link("old"));
  subscribe("new", {9, plenty}, {}, id(5), 4);
  CHECK(!outlet->has_link("old"));
  CHECK(outlet->has_link("new"));
  CHECK(outlet->buffer().drops().counts() == Counts{{{"t", "lost"}, 1}});
  subscribe("other", {0, plenty}, {}, id(6), 1);
  CHECK(outlet->subscribers() == 2);
}

TEST_CASE_FIXTURE(OutletFixture, "a subscriber that looks for another stage, or says what it may not, is told off") {
  subscribe("a", {1, 1}, {}, {}, 1, id(9));
  CHECK(poll() == Strings{"a: cancel wrong-stage"});
  subscribe("a", {1, 1}, {}, {}, 1, id(1));
  CHECK(poll() == Strings{"a: accept 0"});
  grant("a", 1, 2);
  CHECK(poll() == Strings{"a: cancel acknowledge"});
  CHECK(!outlet->has_link("a"));
  grant("a", 0, 2);
  CHECK(poll() == Strings{"a: cancel unknown"});
  outlet->handle("a", Cancel{}, now);
  CHECK(poll().empty());
  subscribe("b", {1, 1});
  subscribe("b", {1, 1});
  CHECK(poll() == Strings{"b: accept 0", "b: cancel malformed"});
  CHECK(!outlet->has_link("b"));
  subscribe("c", {1, 1});
  outlet->handle("c", Mark{1}, now);
  CHECK(poll() == Strings{"c: accept 0", "c: cancel malformed"});
  CHECK(outlet->malformed() == 1);
  outlet->handle_malformed("stranger", "why");
  CHECK(poll() == Strings{"stranger: cancel malformed"});
}

TEST_CASE_FIXTURE(OutletFixture, "the end tells every subscriber how far the stream went") {
  subscribe("a", {plenty, plenty});
  subscribe("b", {1, plenty});
  append_numbers(0, 2);
  poll();
  grant("a", 2, plenty);
  outlet->end();
  Strings said = poll();
  std::sort(said.begin(), said.end());
  CHECK(said == Strings{"a: end 2", "b: end 2", "b: gap 0-2 1 stopped"});
  CHECK(outlet->subscribers() == 0);
  CHECK(outlet->buffer().drops().counts() == Counts{{{"t", "stopped"}, 2}});
}

TEST_CASE_FIXTURE(OutletFixture, "a stage that stops tells every subscriber why") {
  for (const auto* peer : {"a", "b", "c"}) subscribe(peer, {plenty, plenty});
  poll();
  outlet->cancel_all(reason::stopped, "the handler threw");
  Strings said = poll();
  std::sort(said.begin(), said.end());
  CHECK(said == Strings{"a: cancel stopped", "b: cancel stopped", "c: cancel stopped"});
  CHECK(outlet->subscribers() == 0);
}

TEST_CASE_FIXTURE(OutletFixture,
                  "what was dropped for a slow subscriber is told before what follows, and counted in its link") {
  make({.limit_events = 3, .when_full = WhenFull::keep_last});
  subscribe("a", {1, plenty});
  append("t", "0");
  CHECK(poll() == Strings{"a: accept 0", "a: 0"});
  append_numbers(1, 8);
  CHECK(poll().empty());
  grant("a", 1, 100);
  CHECK(poll() == Strings{"a: gap 1-5 4 full", "a: 5 6", "a: 7"});
  const LinkInfo link = info("a");
  CHECK(link.selected == 8);
  CHECK(link.sent == 4);
  CHECK(link.dropped == 4);
  grant("a", 4, 100);
  CHECK(outlet->drained());
}

TEST_CASE_FIXTURE(OutletFixture, "a producer is not drained before the last gap was told") {
  make({.limit_events = 1, .when_full = WhenFull::keep_first});
  subscribe("a", {100, plenty});
  append_numbers(0, 1);
  poll();
  append_numbers(1, 2);
  CHECK(poll().empty());
  grant("a", 1, 100);
  CHECK(!outlet->drained());
  CHECK(poll() == Strings{"a: gap 1-2 1 full"});
  CHECK(outlet->drained());
}

TEST_CASE_FIXTURE(OutletFixture, "a subscriber that stands still is not sent one gap after the other") {
  make({.limit_events = 3, .when_full = WhenFull::keep_first});
  subscribe("a", {10, plenty});
  append_numbers(0, 3);
  CHECK(poll() == Strings{"a: accept 0", "a: 0 1 2"});
  for (int i = 3; i < 100; ++i) {
    append("t", std::to_string(i));
    CHECK(poll().empty());
  }
  CHECK(!outlet->drained());
  grant("a", 3, 13);
  CHECK(poll() == Strings{"a: gap 3-100 97 full"});
  CHECK(info("a").dropped == 97);
  append("t", "100");
  CHECK(poll() == Strings{"a: 100"});
  grant("a", 4, 14);
  CHECK(outlet->drained());
}

TEST_CASE_FIXTURE(OutletFixture,
                  "keep_last takes nothing from what is in flight, and what is lost with the link is counted once") {
  make({.limit_events = 3, .when_full = WhenFull::keep_last});
  subscribe("a", {2, plenty});
  append_numbers(0, 3);
  CHECK(poll() == Strings{"a: accept 0", "a: 0 1 +"});
  append_numbers(3, 6);  // 0 and 1 are not held any more, 2 is dropped
  CHECK(info("a").dropped == 1);
  outlet->handle_gone("a", now);
  CHECK(outlet->buffer().drops().counts() ==
        Counts{{{"(no longer held)", "lost"}, 2}, {{"t", "full"}, 1}, {{"t", "lost"}, 3}});
}

TEST_CASE_FIXTURE(OutletFixture,
                  "a gap of the input is told in its place to everybody, with an unknown number of events") {
  for (const bool late : {false, true}) {  // it subscribes when all of it is unclaimed
    for (const Selection& selection : {Selection(), Selection{"t"}}) {
      CAPTURE(late);
      CAPTURE(selection.everything());
      make({});
      if (!late) subscribe("a", {plenty, plenty}, selection);
      append("t", "0");
      outlet->buffer().append_gap();
      outlet->buffer().append_gap();
      append("t", "3");
      if (late) subscribe("a", {plenty, plenty}, selection);
      CHECK(poll() == Strings{"a: accept 0", "a: 0", "a: gap 1-3 ? upstream", "a: 3"});
      grant("a", 2, plenty);
      CHECK(outlet->drained());
      outlet->buffer().append_gap();
      CHECK(!outlet->drained());
      CHECK(poll() == Strings{"a: gap 4-5 ? upstream"});
      CHECK(outlet->drained());
      CHECK(info("a").dropped == 0);
      CHECK(outlet->buffer().drops().total() == 0);
    }
  }
}

TEST_CASE_FIXTURE(OutletFixture, "a gap of the input that is retained is told again to those who come back") {
  make({.retain_bytes = 1 << 20});
  subscribe("a", {plenty, plenty}, {}, id(5));
  append("t", "0");
  outlet->buffer().append_gap();
  append("t", "2");
  CHECK(poll() == Strings{"a: accept 0", "a: 0", "a: gap 1-2 ? upstream", "a: 2"});
  grant("a", 2, plenty);
  outlet->handle_gone("a", now);
  Subscribe wish;
  wish.subscription = id(6);
  wish.epoch = 1;
  wish.identity = "me";
  wish.resume = Place{id(2), 0, 0};
  wish.credit = {plenty, plenty};
  wish.silence = 4s;
  outlet->handle("b", wish, now);
  CHECK(poll() == Strings{"b: accept 0", "b: 0", "b: gap 1-2 ? upstream", "b: 2"});
  wish.subscription = id(7);
  wish.identity = "you";
  wish.resume = Place{id(2), 0, 2};  // it handled both, though not in batches of these positions
  outlet->handle("c", wish, now);
  std::vector<Parcel> parcels;
  outlet->poll(parcels, now);
  CHECK(parcels.size() == 1);  // accept: it passes over what was handled
  CHECK(poll() == Strings{"c: gap 1-2 ? upstream", "c: mark 3"});
}

TEST_CASE_FIXTURE(OutletFixture, "the first subscriber is sent what nobody was offered, the second only what is new") {
  append_numbers(0, 3);
  CHECK(outlet->outstanding() == 3);
  CHECK(!outlet->drained());
  subscribe("a", {plenty, plenty});
  subscribe("b", {plenty, plenty});
  CHECK(poll() == Strings{"a: accept 0", "b: accept 3", "a: 0 1 2"});
  append("t", "3");
  CHECK(poll() == Strings{"b: 3"});
  grant("a", 3, plenty);
  CHECK(poll() == Strings{"a: 3"});
}

TEST_CASE_FIXTURE(OutletFixture, "the open credit is what may still be published before a subscriber has none left") {
  CHECK(outlet->open_credit() == OpenCredit{});
  CHECK_FALSE(outlet->take_credit_changed());
  subscribe("a", {10, plenty});
  CHECK(outlet->take_credit_changed());
  subscribe("b", {4, plenty});
  CHECK(outlet->open_credit() == OpenCredit{4, 10, 14});
  append_numbers(0, 3);
  CHECK(outlet->open_credit() == OpenCredit{1, 7, 8});
  poll();
  CHECK(outlet->open_credit() == OpenCredit{1, 7, 8});  // sending changes nothing
  append_numbers(3, 5);
  CHECK(outlet->open_credit() == OpenCredit{0, 5, 5});
  CHECK(outlet->take_credit_changed());
  CHECK_FALSE(outlet->take_credit_changed());
  grant("b", 3, 9);
  CHECK(outlet->take_credit_changed());
  CHECK(outlet->open_credit() == OpenCredit{4, 5, 9});
  grant("a", 0, ~std::uint64_t{0});
  grant("b", 3, 100);
  CHECK(outlet->open_credit().total == ~std::uint64_t{0});
  outlet->take_credit_changed();
  outlet->handle_gone("a", now);
  CHECK(outlet->take_credit_changed());
  CHECK(outlet->open_credit() == OpenCredit{95, 95, 95});
}

TEST_CASE_FIXTURE(OutletFixture,
                  "what somebody should look into is a warning: the first of a kind, the second, the fourth") {
  subscribe("shop", {1, 1});
  for (int i = 0; i < 5; ++i) outlet->handle_malformed(i == 1 ? "shop" : "stranger", "why");
  CHECK(outlet->take_warnings() == Strings{"refused a message of a peer without a subscription: why (1 so far)",
                                           "refused a message of consumer shop, everything: why (2 so far)",
                                           "refused a message of a peer without a subscription: why (4 so far)"});
  CHECK(outlet->take_warnings().empty());
}

TEST_CASE_FIXTURE(OutletFixture, "what happened can be read in words, once") {
  subscribe("shop", {1, 1}, topics({"x", "y"}));
  append("x", "1");
  outlet->handle_gone("shop", now);
  CHECK(outlet->take_notes() == Strings{"subscribed: consumer shop, 2 topics",
                                        "unsubscribed (lost): consumer shop, 2 topics, 1 events not acknowledged"});
  CHECK(outlet->take_notes().empty());
}

TEST_CASE_FIXTURE(OutletFixture, "a consumer that collects gets small batches while credit lasts, a few ms late") {
  subscribe("c", {1000, plenty});
  append("t", "0");
  poll();
  for (int i = 1; i <= 20; ++i) {
    append("t", std::to_string(i));
    if (outlet->wants_poll()) CHECK(poll().empty());  // held back: nothing is handled yet
    REQUIRE(outlet->due().has_value());
    CHECK(*outlet->due() <= now + longest_hold_back);
    now = *outlet->due();
    CHECK(poll() == Strings{"c: " + std::to_string(i)});
  }
  now += longest_hold_back;
  CHECK(poll().empty());
  CHECK_FALSE(outlet->due());  // nothing waits: no timer is needed
  append("t", "21");
  CHECK(outlet->wants_poll());
  CHECK(poll() == Strings{"c: 21"});
}

TEST_CASE_FIXTURE(OutletFixture, "what is held back leaves at once when somebody asks for that") {
  subscribe("a", {10, 1000});
  append("x", "1");
  poll();
  append("x", "2");
  CHECK_FALSE(outlet->wants_poll());
  outlet->flush();
  CHECK(poll() == Strings{"a: 2"});
  append("x", "3");
  CHECK_FALSE(outlet->wants_poll());  // once
}

TEST_CASE_FIXTURE(OutletFixture, "nothing is held back for a link that is over or has no credit") {
  subscribe("c", {2, plenty});
  append("t", "0");
  poll();
  CHECK(outlet->due().has_value());
  outlet->handle_gone("c", now);
  CHECK_FALSE(outlet->due());
  subscribe("d", {1, plenty});
  append("t", "1");
  poll();
  CHECK_FALSE(outlet->due());
}

TEST_CASE_FIXTURE(OutletFixture, "a subscription that selects too much is refused, and is told the limit") {
  std::vector<Topic> many;
  for (std::size_t i = 0; i <= max_selected_topics; ++i) many.emplace_back(std::to_string(i));
  subscribe("many", {1, plenty}, Selection(many));
  std::vector<Topic> long_ones;
  for (int i = 0; i < 60; ++i) long_ones.emplace_back(std::string(60'000, 'a') + std::to_string(i));
  subscribe("long", {1, plenty}, Selection(long_ones));
  std::vector<Parcel> parcels;
  outlet->poll(parcels, now);
  REQUIRE(parcels.size() == 2);
  for (const Parcel& parcel : parcels) {
    const Cancel cancel = expect<Cancel>(parcel.view());
    CHECK(cancel.reason == reason::too_large);
    CHECK(cancel.detail.find("at most 100000 topics of 3145728 bytes") != std::string::npos);
  }
  CHECK(outlet->subscribers() == 0);
}

TEST_CASE("the topics of all subscriptions are bounded together, and room is had again when one is over") {
  Outlet outlet({.stage = id(1), .stream = id(2), .max_selection_bytes = 100});
  const auto subscribe = [&](const std::string& peer, const std::string& topic) {
    Subscribe wish;
    wish.selection = topics({topic});
    outlet.handle(peer, wish, at(0));
    return outlet.has_link(peer);
  };
  CHECK(subscribe("a", std::string(60, 'a')));
  CHECK(subscribe("b", std::string(60, 'a')));  // the same
  CHECK_FALSE(subscribe("c", std::string(60, 'c')));
  outlet.handle_gone("a", at(0));
  outlet.handle_gone("b", at(0));
  CHECK(subscribe("c", std::string(60, 'c')));
}

/// A consumer that says which events it takes, and comes back to its place with another answer.
struct PickyFixture : OutletFixture {
  static constexpr std::size_t limit = 300'000;
  const std::string large = std::string("large") + std::string(limit, '.');
  std::uint64_t epoch = 0;

  PickyFixture() { outlet = std::make_unique<Outlet>(options()); }
  static Outlet::Options options(std::uint64_t retain = 0) {
    return {.stage = id(1), .stream = id(2), .buffer = {.retain_bytes = retain}, .silence = 8s, .hold = 30s};
  }
  void subscribe_up_to(std::uint64_t largest_event, std::optional<Place> resume = {}) {
    Subscribe wish;
    wish.subscription = id(9);
    wish.epoch = ++epoch;
    wish.credit = {100, plenty};
    wish.largest_event = largest_event;
    wish.resume = resume;
    outlet->handle(std::to_string(epoch), wish, now);
  }
  Strings poll_held_back() {
    outlet->flush();
    return poll();
  }
};

TEST_CASE_FIXTURE(
    PickyFixture,
    "an event that a subscriber does not take ends its link; its place is held, and others get the event") {
  subscribe("other", {100, plenty});
  subscribe_up_to(limit);
  CHECK(poll() == Strings{"other: accept 0", "1: accept 0"});
  append("t", "a");
  append("t", large);
  append("t", "b");
  CHECK(poll() == Strings{"other: a", "other: large...", "other: b", "1: a"});
  CHECK(outlet->take_warnings().empty());  // it may still acknowledge
  grant("1", 1, 100);
  CHECK(poll() == Strings{"1: cancel too-large"});
  CHECK(outlet->take_warnings().size() == 1);
  CHECK_FALSE(outlet->has_link("1"));
  CHECK(outlet->has_link("other"));
  append("t", "c");
  poll_held_back();
  subscribe_up_to(limit + 100, Place{id(2), 1, 0});
  CHECK(poll() == Strings{"2: accept 1", "2: large...", "2: b c"});
  CHECK(info("").dropped == 0);
}

TEST_CASE_FIXTURE(PickyFixture, "an event may have exactly as many bytes as its subscriber takes; and 256 KiB always") {
  subscribe_up_to(large.size() + 1);
  poll();
  append("t", large);
  CHECK(poll() == Strings{"1: large..."});
  subscribe_up_to(1, Place{id(2), 1, 0});
  append("t", std::string(200'000, 's'));
  CHECK(poll() == Strings{"2: accept 1", "2: ssssssss"});
}

TEST_CASE_FIXTURE(PickyFixture, "an event that was sent before is not sent again to who does not take it any more") {
  subscribe_up_to(2 * limit);
  poll();
  append("t", large);
  append("t", "b");
  CHECK(poll() == Strings{"1: large...", "1: b"});
  subscribe_up_to(limit, Place{id(2), 0, 0});
  CHECK(poll() == Strings{"2: accept 0", "2: cancel too-large"});
  subscribe_up_to(2 * limit, Place{id(2), 0, 0});
  CHECK(poll() == Strings{"3: accept 0", "3: large...", "3: b"});
}

TEST_CASE_FIXTURE(PickyFixture, "a scan of old events does not pass over one that its subscriber does not take") {
  outlet = std::make_unique<Outlet>(options(8 << 20));
  append("t", "a");
  append("t", std::string("large") + std::string(2 * limit, '.'));
  append("t", "b");
  subscribe("first", {100, plenty});
  poll();
  grant("first", 3, 100);
  poll();
  subscribe_up_to(limit, Place{id(2), 0, 0});
  CHECK(poll() == Strings{"1: accept 0", "1: cancel too-large"});
  subscribe_up_to(3 * limit, Place{id(2), 0, 0});
  CHECK(poll() == Strings{"2: accept 0", "2: a large...", "2: b"});
}

}  // namespace
}  // namespace galena::core::test
