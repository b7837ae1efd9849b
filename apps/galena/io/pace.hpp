// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include "io/stop.hpp"

namespace galena::cli {

/// Spaces events out to a rate: exact on average, in bursts of a millisecond because shorter sleeps are imprecise. Time
/// without input is not made up for.
class Pace {
 public:
  explicit Pace(double per_second)
      : step_(std::chrono::duration_cast<Duration>(std::chrono::duration<double>(1 / per_second))) {}

  /// Blocks until the next event is due. Returns false if a stop was requested first.
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
