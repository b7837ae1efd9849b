// SPDX-License-Identifier: Apache-2.0
// Several links that carry one subscription: what each of them is sent, acknowledges, and hands back when it is lost.
#include "galena/core/subscription.hpp"

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "frames.hpp"
#include "galena/core/transmission.hpp"

namespace galena::core::test {
namespace {

using Strings = std::vector<std::string>;

/// One subscription of one buffer, and its links. Payloads are positions.
struct Sharing {
  struct Member {
    std::unique_ptr<Link> link;
    Strings sent;  // events, by delivery
    std::uint64_t acknowledged = 0;
  };

  Buffer buffer;
  Subscription subscription;
  std::map<std::string, Member> members;
  std::map<std::string, int> times_acknowledged;
  std::map<std::string, bool> sent_before;

  explicit Sharing(Buffer::Options options = {}, const Selection& selection = {})
      : buffer(options), subscription("key", wish(0), id(2)) {
    buffer.attach(subscription.cursor, selection);
    subscription.cursor.subscription = &subscription;
  }

  static Subscribe wish(std::uint64_t credit) {
    Subscribe wish;
    wish.credit = {credit, plenty};
    return wish;
  }
  void join(const std::string& name, std::uint64_t credit, std::uint64_t largest_event = no_largest_event) {
    Member& member = members[name];
    Subscribe with = wish(credit);
    with.largest_event = largest_event;
    member = {std::make_unique<Link>(name, subscription, subscription.sent_before.stream, with, 1 << 20, at(0)), {}, 0};
    subscription.links.push_back(member.link.get());
  }
  void append(int from, int upto) {
    for (; from < upto; ++from) {
      REQUIRE(buffer.append({from % 2 == 0 ? "even" : "odd", std::to_string(from)}) == Buffer::Answer::accepted);
    }
  }

  /// What is sent over the link now: events, each with "!" if it is marked as repeated, and gaps.
  std::string send(const std::string& name) {
    Member& member = members.at(name);
    std::vector<Parcel> parcels;
    transmit(*member.link, buffer, parcels, at(0));
    std::string line;
    for (Parcel& parcel : parcels) {
      REQUIRE(parcel.peer == name);
      if (starts_with_batch(parcel.view())) {
        const auto batches = read_batches(parcel.view());
        REQUIRE(batches);
        for (const Batch& batch : *batches) {
          for (const Event& event : batch.events) {
            const bool marked = (batch.header.flags & flag_repeated) != 0;
            const bool before = std::exchange(sent_before[event.payload], true);
            CHECK_MESSAGE(marked == before, event.payload);
            member.sent.push_back(event.payload);
            line += event.payload + (marked ? "! " : " ");
          }
        }
      } else if (const auto message = decode(parcel.view()); const auto* gap = std::get_if<Gap>(&*message)) {
        line += "gap " + std::to_string(gap->from) + "-" + std::to_string(gap->upto) + " ";
      }
      if (parcel.segment != nullptr) parcel.segment->release();
    }
    return line;
  }
  /// The first `count` deliveries of the link, and as much credit as it had.
  void acknowledge(const std::string& name, std::uint64_t count, std::uint64_t credit) {
    Member& member = members.at(name);
    REQUIRE(member.link->subscription.handle_grant(*member.link, {count, {count + credit, plenty}}));
    subscription.release_acknowledged(buffer);
    for (; member.acknowledged < count; ++member.acknowledged) ++times_acknowledged[member.sent[member.acknowledged]];
  }
  void lose(const std::string& name) {
    subscription.hand_back(*members.at(name).link);
    members.erase(name);
  }
  bool balances() const {
    const Log& log = subscription.cursor.view->log;
    if (log.has_open()) return true;
    std::uint64_t waiting = log.events_between(subscription.cursor.spot(), {log.end(), 0});
    for (const Run& run : subscription.cursor.returned) waiting += run.events;
    return subscription.owed() == subscription.in_flight() + waiting;
  }
};

TEST_CASE("links that share a subscription are sent different events, and acknowledge them in any order") {
  Sharing it;
  it.join("a", 3);
  it.join("b", 3);
  it.append(0, 8);
  CHECK(it.send("a") == "0 1 2 ");
  CHECK(it.send("b") == "3 4 5 ");
  CHECK(it.subscription.in_flight() == 6);
  it.acknowledge("b", 3, 3);
  CHECK(it.subscription.acknowledged() == 3);
  CHECK(it.subscription.acknowledged_upto() == 0);
  CHECK(it.subscription.cursor.held == 0);
  CHECK(it.send("b") == "6 7 ");
  it.acknowledge("a", 3, 3);
  it.acknowledge("b", 5, 3);
  CHECK(it.subscription.acknowledged() == 8);
  CHECK(it.subscription.acknowledged_upto() == 8);
  CHECK(it.subscription.idle());
  CHECK(it.buffer.charged() <= 4096);
}

TEST_CASE("what a lost link had is sent over another one, marked as repeated, and what that one did is not") {
  Sharing it;
  it.join("a", 4);
  it.join("b", 4);
  it.append(0, 10);
  CHECK(it.send("a") == "0 1 2 3 ");
  CHECK(it.send("b") == "4 5 6 7 ");
  it.acknowledge("a", 1, 4);
  it.acknowledge("b", 4, 4);
  it.lose("a");  // with 1, 2 and 3; behind these, 4 to 7 are done with
  CHECK(it.subscription.acknowledged_upto() == 0);
  CHECK(it.send("b") == "1! 2! 3! ");
  it.acknowledge("b", 7, 4);
  CHECK(it.send("b") == "8 9 ");
  it.acknowledge("b", 9, 4);
  CHECK(it.subscription.idle());
  CHECK(it.subscription.owed() == 0);
  for (const auto& [event, times] : it.times_acknowledged) CHECK(times == 1);
  CHECK(it.times_acknowledged.size() == 10);
}

TEST_CASE("what a lost link had is not sent over one that does not take so much: that one is over in its turn") {
  Sharing it;
  it.join("large", 1);
  it.join("small", 5, 300'000);
  REQUIRE(it.buffer.append({"t", std::string(400'000, 'x')}) == Buffer::Answer::accepted);
  CHECK(it.send("large").size() > 400'000);
  it.append(1, 2);
  CHECK(it.send("small") == "1 ");
  it.lose("large");
  it.append(2, 3);
  CHECK(it.send("small").empty());
  CHECK_FALSE(it.members.at("small").link->too_large);
  it.acknowledge("small", 1, 4);
  CHECK(it.send("small").empty());
  CHECK(it.members.at("small").link->too_large == 400'001);
}

TEST_CASE("what the last link handed back moves the cursor, and the next one goes on from there") {
  Sharing it;
  it.join("a", 3);
  it.join("b", 3);
  it.append(0, 7);
  it.send("a");
  it.send("b");
  it.lose("b");
  CHECK(it.subscription.cursor.returned.empty());
  CHECK(it.subscription.cursor.spot() == Spot{0, 3});
  it.lose("a");
  CHECK(it.subscription.cursor.spot() == Spot{0, 0});
  it.join("c", 100);
  CHECK(it.send("c") == "0! 1! 2! 3! 4! 5! 6 ");
}

TEST_CASE("a heartbeat says nothing of positions that another link may hand back") {
  Sharing it;
  it.join("a", 100);
  it.join("b", 100);
  it.append(0, 2);
  CHECK(it.send("a") == "0 1 ");
  it.append(2, 4);
  CHECK(it.send("b") == "2 3 ");
  const Link& a = *it.members.at("a").link;
  const Link& b = *it.members.at("b").link;
  CHECK(it.subscription.told_upto(a, it.buffer.next()) == 2);
  CHECK(it.subscription.told_upto(b, it.buffer.next()) == 0);
  it.acknowledge("a", 2, 100);
  CHECK(it.subscription.told_upto(b, it.buffer.next()) == 4);
}

TEST_CASE("what a lost link had and was dropped in the meantime is told as a gap over the other one") {
  Sharing it({.limit_events = 4, .when_full = WhenFull::keep_last});
  it.join("a", 2);
  it.join("b", 2);
  it.append(0, 4);
  CHECK(it.send("a") == "0 1 ");
  CHECK(it.send("b") == "2 3 ");
  it.acknowledge("b", 2, 4);
  it.append(4, 5);
  it.lose("a");
  it.append(5, 6);
  CHECK(it.send("b") == "gap 0-2 4 5 ");
  CHECK(it.subscription.cursor.dropped == 2);
  it.acknowledge("b", 4, 4);
  CHECK(it.subscription.owed() == 0);
}

TEST_CASE("a cursor that goes back in front of a gap counts what is dropped there once") {
  Sharing it({.limit_events = 2, .when_full = WhenFull::keep_first});
  it.join("a", 100);
  it.append(0, 2);
  CHECK(it.send("a") == "0 1 ");
  it.append(2, 4);
  CHECK(it.send("a").empty());
  CHECK(it.subscription.cursor.dropped == 2);
  it.lose("a");
  CHECK(it.subscription.cursor.dropped == 0);
  it.join("b", 100);
  CHECK(it.send("b") == "0! 1! ");
  it.acknowledge("b", 2, 100);
  CHECK(it.send("b") == "gap 2-4 ");
  CHECK(it.subscription.cursor.dropped == 2);
  CHECK(it.subscription.owed() == 0);
}

TEST_CASE("of a subscription that ends, what links handed back counts as dropped, and what others did does not") {
  Sharing it;
  it.join("a", 3);
  it.join("b", 3);
  it.append(0, 7);
  it.send("a");
  it.send("b");
  it.acknowledge("a", 1, 0);
  it.acknowledge("b", 3, 0);
  it.lose("a");
  it.lose("b");
  it.buffer.detach(it.subscription.cursor, it.subscription.owed(), reason::lost);
  CHECK(it.buffer.drops().counts() == DropCounts{{{"even", "lost"}, 2}, {{"odd", "lost"}, 1}});  // 1, 2, and 6
}

TEST_CASE("a scan is read over one link at a time, and what that one had is found again for the other") {
  Buffer::Options options;
  options.retain_bytes = 1 << 16;
  Sharing it(options, topics({"even"}));
  Cursor other;
  it.buffer.attach(other, {});
  it.append(0, 8);
  it.buffer.seal(*it.subscription.cursor.view);
  it.subscription.cursor.go_on(8, 0);  // it replays the same from base
  it.subscription.record_acknowledged(4);
  it.subscription.scan = it.buffer.scan(it.subscription.cursor, 0, 0);
  it.join("a", 2);
  it.join("b", 100);
  CHECK(it.send("a") == "0 2 ");
  CHECK(it.send("b").empty());
  it.acknowledge("a", 1, 0);
  it.lose("a");
  CHECK(it.send("b") == "2! 4 6 ");
}

/// Does what comes into its mind for a while, and then what is left to do.
void act(std::mt19937& random, Buffer::Options options, const Selection& selection) {
  Sharing it(options, selection);
  const auto pick = [&](int upto) { return static_cast<int>(random() % static_cast<unsigned>(upto)); };
  int appended = 0;
  int links = 0;
  const auto member = [&] {
    auto found = it.members.begin();
    std::advance(found, pick(static_cast<int>(it.members.size())));
    return found->first;
  };
  const auto acknowledge = [&](const std::string& name, std::uint64_t upto) {
    it.acknowledge(name, upto, static_cast<std::uint64_t>(pick(8)));
  };
  for (int step = 0; step < 200; ++step) {
    const int what = pick(10);
    if (what < 3) {
      const int more = pick(6);
      it.append(appended, appended + more);
      appended += more;
    } else if (it.members.empty() || (what == 3 && it.members.size() < 3)) {
      it.join("link " + std::to_string(++links), static_cast<std::uint64_t>(pick(8)));
    } else if (what < 7) {
      it.send(member());
    } else if (what < 9) {
      const std::string name = member();
      const auto& at = it.members.at(name);
      acknowledge(name, at.acknowledged +
                            static_cast<std::uint64_t>(pick(static_cast<int>(at.sent.size() - at.acknowledged) + 1)));
    } else {
      it.lose(member());
    }
    REQUIRE(it.balances());
  }
  it.join("last", plenty);
  while (it.members.size() > 1)
    it.lose(it.members.begin()->first == "last" ? std::next(it.members.begin())->first : it.members.begin()->first);
  do it.acknowledge("last", it.members.at("last").sent.size(), plenty);
  while (!it.send("last").empty());
  CHECK(it.subscription.idle());
  CHECK(it.subscription.owed() == 0);
  std::uint64_t acknowledged = 0;
  for (const auto& [event, times] : it.times_acknowledged) {
    REQUIRE(times == 1);
    ++acknowledged;
  }
  CHECK(acknowledged == it.subscription.acknowledged());
  CHECK(acknowledged + it.subscription.cursor.dropped == it.subscription.selected());
  if (options.when_full == WhenFull::wait) CHECK(acknowledged == it.subscription.selected());
}

TEST_CASE("whatever links come and go: every event is acknowledged once, and marked if it was sent before") {
  for (unsigned seed = 0; seed < 300; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    act(random, {}, seed % 2 == 0 ? Selection() : topics({"even"}));
  }
}

TEST_CASE("the same while the oldest events make room: each is acknowledged once or dropped") {
  for (unsigned seed = 0; seed < 300; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    act(random, {.limit_events = 8, .when_full = WhenFull::keep_last}, seed % 2 == 0 ? Selection() : topics({"even"}));
  }
}

}  // namespace
}  // namespace galena::core::test
