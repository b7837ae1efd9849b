// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include "io/stop.hpp"

namespace galena::cli {

/// So many events a second: on average exactly, and in bursts of a millisecond, which is as short as one sleeps well.
/// What was missed while there was no input is not caught up.
class Pace {
 public:
  explicit Pace(double per_second)
      : step_(std::chrono::duration_cast<Duration>(std::chrono::duration<double>(1 / per_second))) {}

  /// Until the next event is due. False if a stop was requested first.
  bool wait(const Stop& stop) {
    const Time now = Clock::now();
    due_ = std::max(due_ + step_, now - burst);
    return due_ - now < burst ? !stop.requested() : !stop.wait_until(due_);
  }

 private:
  static constexpr Duration burst = std::chrono::milliseconds(1);

  Duration step_;
  Time due_ = {};
};

}  // namespace galena::cli
