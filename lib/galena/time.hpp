// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

#include "galena/export.hpp"

namespace galena {

/// Monotonic. The core never reads it: it is handed a Time with every call that needs one.
using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;
using Duration = Clock::duration;

inline constexpr Time never = Time::max();

inline double in_seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }
inline long long in_milliseconds(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

namespace detail {

/// The time that is `timeout` after `now`, of which Duration::max() is `never`: for ever.
constexpr Time time_after(Time now, Duration timeout) {
  if (timeout > Duration::zero()) return timeout < never - now ? now + timeout : never;
  return now;
}
/// The deadline of a call that may take `timeout` from now on; `now` if that is negative.
inline Time deadline_in(Duration timeout) { return time_after(Clock::now(), timeout); }

}  // namespace detail
}  // namespace galena
