// SPDX-License-Identifier: Apache-2.0
// What drives the subscribing half of a link, whoever takes its events.
#include "galena/stage/inlet_driver.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "galena/base/pack.hpp"
#include "galena/core/message.hpp"

namespace galena::detail {
namespace {

using State = InletDriver::State;
using Work = InletDriver::Work;
using Texts = std::vector<std::string>;

net::Frame frame_of(const std::string& bytes) { return net::Frame(zmq::message_t(bytes.data(), bytes.size())); }

net::Frame batch(std::uint64_t from, const Texts& messages) {
  PackWriter body;
  for (const std::string& message : messages) body.bin("t").bin(message);
  PackWriter header;
  header.array(5).uint(body.bytes().size()).uint(messages.size()).uint(from).uint(from + messages.size()).uint(0);
  return frame_of(header.take() + body.take());
}

/// Takes events as long as it has room, and keeps what it is told.
struct Taker final : InletDriver::Side {
  void send(const std::string& bytes) override {
    const auto message = core::decode(bytes);
    REQUIRE(message);
    if (const auto* grant = std::get_if<core::Grant>(&*message)) acknowledged = grant->acknowledged;
    if (const auto* cancel = std::get_if<core::Cancel>(&*message)) said.push_back(cancel->reason);
  }
  Progress take(core::Inlet& inlet, const std::shared_ptr<net::Frame>&) override {
    if (room == 0) return Progress::waits;
    EventView event;
    if (!inlet.next(event)) return Progress::read;
    events.emplace_back(event.payload);
    if (events.back() == "fail") return Progress::failed;
    if (--room == 0) return Progress::blocked;
    inlet.handled();
    return Progress::handled;
  }
  void handle_gap(const Gap& gap) override { gaps.push_back(gap.reason); }
  void count_malformed() override { ++malformed; }
  bool save_position() override { return saves; }

  int room = 1000;
  bool saves = true;
  Texts events;
  Texts said;
  Texts gaps;
  int malformed = 0;
  std::uint64_t acknowledged = 0;
};

struct Link {
  explicit Link(std::uint64_t max_events = 100) : driver(taker, options(max_events), now) {
    REQUIRE(
        driver.add(frame_of(core::encode(core::Accept{Id::random(), {Id::random(), 0}, std::chrono::seconds(30)}))));
    REQUIRE(driver.work(now) == Work::idle);
  }
  static core::Inlet::Options options(std::uint64_t max_events) {
    core::Inlet::Options options;
    options.demand = {.max_events = max_events, .min_events = max_events / 2, .max_bytes = 10'000};
    options.largest_event = 1000;
    return options;
  }
  Time now = Clock::now();
  Taker taker;
  InletDriver driver;
};

TEST_CASE("what comes is handed on in order, and acknowledged when nothing is left") {
  Link link;
  REQUIRE(link.driver.add(batch(0, {"a", "b"})));
  REQUIRE(link.driver.add(batch(2, {"c"})));
  CHECK(link.driver.work(link.now) == Work::idle);
  CHECK(link.taker.events == Texts{"a", "b", "c"});
  CHECK(link.taker.acknowledged == 0);
  link.driver.handle_idle(link.now);
  CHECK(link.taker.acknowledged == 3);
}

TEST_CASE("a position that is not saved is not acknowledged") {
  Link link;
  link.taker.saves = false;
  REQUIRE(link.driver.add(batch(0, {"a"})));
  CHECK(link.driver.work(link.now) == Work::idle);
  link.driver.handle_idle(link.now);
  CHECK(link.taker.acknowledged == 0);
  link.taker.saves = true;
  link.driver.grant(true, link.now);
  CHECK(link.taker.acknowledged == 1);
}

TEST_CASE("while the taker has no room frames wait; the event that it had no room for is handled when it has") {
  Link link;
  link.taker.room = 2;
  REQUIRE(link.driver.add(batch(0, {"a", "b", "c"})));
  CHECK(link.driver.work(link.now) == Work::waits);
  CHECK(link.driver.state() == State::unfinished);
  REQUIRE(link.driver.add(batch(3, {"d"})));
  CHECK(link.driver.work(link.now) == Work::waits);
  CHECK(link.driver.inlet().handled_events() == 1);
  link.driver.resume(link.now);
  CHECK(link.driver.inlet().handled_events() == 2);
  CHECK(link.driver.work(link.now) == Work::waits);  // still no room for the next one
  CHECK(link.driver.state() == State::blocked);
  link.taker.room = 1000;
  link.driver.resume(link.now);
  CHECK(link.driver.work(link.now) == Work::idle);
  CHECK(link.taker.events == Texts{"a", "b", "c", "d"});
  CHECK(link.driver.inlet().handled_events() == 4);
}

TEST_CASE("far more than was granted ends the link, even while nothing is read") {
  Link link;
  link.taker.room = 0;
  const std::string large(900, 'x');
  std::uint64_t position = 0;
  REQUIRE(link.driver.add(batch(position++, {large})));
  CHECK(link.driver.work(link.now) == Work::waits);
  while (link.driver.add(batch(position++, {large}))) REQUIRE(position < 100);
  CHECK(position > 20);
  CHECK(link.driver.work(link.now) == Work::over);
  CHECK(link.driver.end() == core::Inlet::Input::malformed);
  CHECK(link.taker.said == Texts{std::string(core::reason::credit)});
  CHECK(link.taker.malformed == 1);
}

TEST_CASE("who takes no more finishes the event that it has, and keeps nothing of what comes") {
  Link link;
  link.taker.room = 1;
  REQUIRE(link.driver.add(batch(0, {"a", "b"})));
  CHECK(link.driver.work(link.now) == Work::waits);
  link.driver.stop_taking();
  CHECK(link.driver.state() == State::last_event);
  for (int i = 0; i < 1000; ++i) REQUIRE(link.driver.add(batch(2, {std::string(900, 'x')})));
  link.driver.resume(link.now);
  CHECK(link.driver.state() == State::draining);
  CHECK(link.driver.work(link.now) == Work::waits);
  CHECK(link.taker.events == Texts{"a"});
  link.driver.grant(true, link.now);
  CHECK(link.taker.acknowledged == 1);
}

TEST_CASE("malformed frames are counted, answered and end the link; what came before them is handled") {
  Link link;
  REQUIRE(link.driver.add(batch(0, {"a"})));
  REQUIRE(link.driver.add(frame_of("junk")));
  CHECK(link.driver.work(link.now) == Work::over);
  CHECK(link.taker.events == Texts{"a"});
  CHECK(link.taker.malformed == 1);
  CHECK(link.taker.said == Texts{std::string(core::reason::malformed)});
  CHECK(link.driver.state() == State::stopped);
}

TEST_CASE("gaps are told in their place") {
  Link link;
  REQUIRE(link.driver.add(frame_of(core::encode(Gap{0, 5, 5, "full"}))));
  REQUIRE(link.driver.add(batch(9, {"a"})));
  CHECK(link.driver.work(link.now) == Work::idle);
  CHECK(link.taker.gaps == Texts{"full", "lost"});
}

TEST_CASE("a taker that fails is given nothing more, and nothing more is kept") {
  Link link;
  REQUIRE(link.driver.add(batch(0, {"a", "fail", "b"})));
  CHECK(link.driver.work(link.now) == Work::waits);
  CHECK(link.driver.state() == State::stopped);
  for (int i = 0; i < 1000; ++i) REQUIRE(link.driver.add(batch(3, {std::string(900, 'x')})));
  CHECK(link.driver.work(link.now) == Work::waits);
  CHECK(link.taker.events == Texts{"a", "fail"});
}

TEST_CASE("silence ends a link that listens, and not one that is busy; a peer that never accepts is left early") {
  Link link;
  CHECK(link.driver.handle_time(link.now + std::chrono::seconds(29)));
  CHECK_FALSE(link.driver.handle_time(link.now + std::chrono::seconds(31)));
  link.taker.room = 0;
  REQUIRE(link.driver.add(batch(0, {"a"})));
  CHECK(link.driver.work(link.now) == Work::waits);
  CHECK(link.driver.handle_time(link.now + std::chrono::seconds(61)));
  InletDriver other(link.taker, Link::options(10), link.now);
  CHECK(other.handle_time(link.now + std::chrono::seconds(2)));
  CHECK_FALSE(other.handle_time(link.now + std::chrono::seconds(4)));
}

}  // namespace
}  // namespace galena::detail
