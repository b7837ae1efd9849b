// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>

#include "galena/net/context.hpp"
#include "galena/net/reactor.hpp"

namespace galena::net {

inline constexpr Duration deadline = std::chrono::seconds(20);

/// Turns `reactor` until `done` or the deadline; answers done(). What is being waited for wakes the reactor, so this
/// takes no longer than it takes.
inline bool turn_until(Reactor& reactor, const std::function<bool()>& done, Duration limit = deadline) {
  const Time end = Clock::now() + limit;
  while (!done()) {
    const Time now = Clock::now();
    if (now >= end) return false;
    reactor.turn(std::min<Duration>(end - now, std::chrono::milliseconds(20)));
  }
  return true;
}

/// Turns `reactor` until it has been idle for `quiet`: to claim that something did not happen twice.
inline void turn_for(Reactor& reactor, Duration quiet = std::chrono::milliseconds(100)) {
  turn_until(
      reactor, [] { return false; }, quiet);
}

}  // namespace galena::net
