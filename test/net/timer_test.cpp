// SPDX-License-Identifier: Apache-2.0
#include "galena/net/timer.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>

#include "net/net_fixture.hpp"

namespace galena::net {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a timer calls once for each time it is set, at the last time that was asked for") {
  Reactor reactor;
  int calls = 0;
  Timer timer(reactor, [&] { ++calls; });
  timer.set(Clock::now() + 1h);
  timer.set(Clock::now());
  CHECK(turn_until(reactor, [&] { return calls == 1; }));
  turn_for(reactor, 20ms);
  CHECK(calls == 1);
  timer.set(Clock::now());
  CHECK(turn_until(reactor, [&] { return calls == 2; }));
  timer.set(Clock::now() + 5ms);
  timer.set(never);
  turn_for(reactor, 20ms);
  CHECK(calls == 2);
}

TEST_CASE("a timer may set itself again, or destroy itself, when it calls") {
  Reactor reactor;
  int calls = 0;
  std::optional<Timer> timer;
  timer.emplace(reactor, [&] {
    if (++calls < 3) return timer->set(Clock::now());
    timer.reset();
  });
  timer->set({});
  CHECK(turn_until(reactor, [&] { return !timer.has_value(); }));
  CHECK(calls == 3);
}

TEST_CASE("a timer that is destroyed calls no more") {
  Reactor reactor;
  int calls = 0;
  std::make_unique<Timer>(reactor, [&] { ++calls; })->set({});
  turn_for(reactor, 20ms);
  CHECK(calls == 0);
}

}  // namespace
}  // namespace galena::net
