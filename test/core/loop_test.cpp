// SPDX-License-Identifier: Apache-2.0
/// An Outlet and Inlets together. What happens at random is in properties_test.cpp.
#include <doctest/doctest.h>

#include "harness.hpp"

namespace galena::core::test {
namespace {

std::string exception_text(const Loop::Wrong& wrong) { return wrong.what; }
REGISTER_EXCEPTION_TRANSLATOR(Loop::Wrong& wrong) { return exception_text(wrong).c_str(); }

Outlet::Options options(Buffer::Options buffer = {}) { return {.stage = id(1), .stream = id(2), .buffer = buffer}; }

TEST_CASE("everything arrives, whatever the window, the size of the events and how they are handed in") {
  const Demand demands[] = {{1, 0, plenty},   {2, 1, plenty}, {2, 0, plenty}, {3, 0, plenty}, {5, 4, plenty},
                            {100, 0, plenty}, {1000, 1, 1},   {1000, 0, 2},   {10, 5, 50},    {1000, 999, 5000}};
  for (const Demand& demand : demands) {
    for (const std::size_t size : {8U, 100U, 3000U, 150'000U}) {
      for (const int burst : {1, 2, 7, 100}) {
        CAPTURE(demand.max_events);
        CAPTURE(demand.max_bytes);
        CAPTURE(size);
        CAPTURE(burst);
        Loop loop(options({.limit_bytes = 4 << 20}));
        loop.connect("a", {}, demand);
        const int rounds = size > 1000 ? 5 : 20;
        for (int round = 0; round < rounds; ++round) {
          for (int i = 0; i < burst; ++i) {
            if (loop.append("t", size) == Outlet::Answer::accepted) continue;
            loop.settle();
            REQUIRE(loop.append("t", size) == Outlet::Answer::accepted);
          }
          if (round % 2 == 0) loop.settle();
        }
        loop.settle();
        loop.check_settled();
        CHECK(loop.consumers().at("a")->delivered.size() == static_cast<std::size_t>(rounds * burst));
      }
    }
  }
}

TEST_CASE("a consumer that stands still delays nobody of another topic, and only then those of its own") {
  Loop loop(options({.limit_bytes = 1 << 20}));
  loop.connect("slow", topics({"slow"}), {10, 5, plenty});
  loop.connect("quick", topics({"quick"}), {1000, 500, plenty});
  loop.settle();
  auto& quick = *loop.consumers().at("quick");
  auto& slow = *loop.consumers().at("slow");
  int slow_full = 0;
  for (int i = 0; i < 20'000; ++i) {
    REQUIRE(loop.append("quick", 1000) == Outlet::Answer::accepted);
    if (loop.append("slow", 1000) == Outlet::Answer::full) ++slow_full;
    if (i % 50 != 0) continue;
    loop.poll();
    while (loop.deliver_down(quick) || loop.handle(quick, 1000)) {
    }
    loop.idle(quick);
    while (loop.deliver_up(quick)) {
    }
    loop.release(1000);
  }
  CHECK(slow_full > 19'000);
  CHECK(quick.delivered.size() > 19'000);
  CHECK(slow.delivered.empty());
  loop.settle();
  loop.check_settled();
  CHECK(quick.delivered.size() == 20'000);
  CHECK(slow.delivered.size() == 20'000U - static_cast<unsigned>(slow_full));
}

TEST_CASE("frames grow with the load: a lone event goes alone, what comes meanwhile goes together") {
  Loop loop(options());
  loop.connect("a", {}, {1 << 20, 1 << 19, plenty});
  loop.settle();
  auto& a = *loop.consumers().at("a");
  loop.append("t", 8);
  loop.poll();
  CHECK(a.inbound.size() == 1);
  for (int i = 0; i < 100; ++i) {
    loop.append("t", 8);
    loop.poll();
  }
  CHECK(a.inbound.size() == 1);
  while (loop.deliver_down(a) || loop.handle(a, 1000)) {
  }
  CHECK(loop.idle(a));
  loop.deliver_up(a);
  loop.poll();
  CHECK(a.inbound.size() <= 2);  // the first segment is a small one
  loop.settle();
  loop.check_settled();
  CHECK(a.delivered.size() == 101);
}

TEST_CASE("a mark never says more than has come before it") {
  Loop loop(options());
  loop.connect("a", topics({"t"}), {3, 0, plenty});
  loop.settle();
  auto& a = *loop.consumers().at("a");
  for (int i = 0; i < 10; ++i) loop.append(i % 2 == 0 ? "t" : "x", 8);
  for (int round = 0; round < 20; ++round) {
    loop.pass_time(std::chrono::seconds(3));
    loop.poll();
    while (loop.deliver_down(a) || loop.handle(a, 1000)) {
      // What is selected below its place has been delivered.
      std::uint64_t due = 0;
      for (std::uint64_t position = 0; position < a.inlet->place().from; ++position) due += position % 2 == 0 ? 1 : 0;
      CHECK(due <= a.delivered.size());
    }
    loop.idle(a);
    while (loop.deliver_up(a)) {
    }
  }
  loop.check_settled();
  CHECK(a.inlet->place().from == 10);
}

TEST_CASE(
    "a producer that keeps the last says to a consumer that comes to itself what it missed, and gives it the rest") {
  for (const WhenFull when_full : {WhenFull::keep_last, WhenFull::keep_first}) {
    Loop loop(options({.limit_bytes = 64 << 10, .when_full = when_full}));
    loop.connect("a", topics({"t"}), {10, 5, plenty});
    loop.connect("b", {}, {100, 50, plenty});
    loop.settle();
    for (int i = 0; i < 5000; ++i) {
      REQUIRE(loop.append(i % 3 == 0 ? "x" : "t", 100) == Outlet::Answer::accepted);
      if (i % 7 == 0) loop.poll();
      if (i % 900 == 0) loop.settle();
    }
    loop.settle();
    loop.check_settled();
    CHECK(loop.consumers().at("a")->told > 0);
    CHECK(loop.consumers().at("b")->told > 0);
  }
}

}  // namespace
}  // namespace galena::core::test
