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

inline double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }
inline long long milliseconds(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

namespace detail {

/// `timeout` from now; `never` if that is later than can be told.
inline Time deadline_in(Duration timeout) {
  const Time now = Clock::now();
  return timeout >= never - now ? never : now + timeout;
}

}  // namespace detail
}  // namespace galena
