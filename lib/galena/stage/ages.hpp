// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "galena/time.hpp"

namespace galena::detail {

/// How old an event of a stream is, without a time for each event: it remembers how long the stream was at a few
/// moments. An age is never too large, and too small by no more than the time between two moments.
class Ages {
 public:
  /// Beyond it, ages other than that of the oldest event are no larger than what so many moments span.
  static constexpr std::size_t most = 2048;

  /// The stream has `length` events now. Everything below position `done` is done with.
  void record(std::uint64_t length, std::uint64_t done, Time now) {
    while (!moments_.empty() && moments_.front().length <= done) moments_.pop_front();
    if (length <= done || (!moments_.empty() && moments_.back().length == length)) return;
    moments_.push_back({length, now});
    if (moments_.size() > most) moments_.erase(moments_.begin() + 1);
  }
  /// Of the event at that position. Zero if it came after the last moment.
  Duration age(std::uint64_t position, Time now) const {
    for (const Moment& moment : moments_) {
      if (moment.length > position) return now - moment.time;
    }
    return Duration::zero();
  }

 private:
  struct Moment {
    std::uint64_t length;
    Time time;
  };
  std::deque<Moment> moments_;
};

}  // namespace galena::detail
