// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "galena/time.hpp"

namespace galena::core {

/// How many bytes a subscription lets be on their way or waiting. Within its bounds it tunes itself: it grows while the
/// delay of the link is what limits, and shrinks again while the handler is.
///
/// A publisher that has used up all the credit that it can know of has to stand still until the next grant has crossed
/// the link. The subscriber sees that as a pause that begins within reach of the last limit but one. Pauses anywhere
/// else mean that the publisher had nothing to send, or that the link carries no more: more credit would not help. No
/// pause at all means that the handler is what limits.
class Window {
 public:
  /// It stays at `start` if `most` is not more.
  Window(std::uint64_t start, std::uint64_t most) : start_(start), most_(most), bytes_(start), granted_(start) {}

  std::uint64_t bytes() const { return bytes_; }

  /// Everything that has arrived, `received` bytes since the link began, has been handled.
  void handle_idle(std::uint64_t received, Time now) {
    if (most_ <= start_ || idle_since_) return;
    idle_since_ = now;
    at_limit_ = received + bytes_ / 8 >= limit_before_;
  }
  /// Events have arrived.
  void handle_arrival(Time now) {
    if (!idle_since_) return;
    (at_limit_ ? waited_for_credit_ : waited_for_events_) += now - *std::exchange(idle_since_, std::nullopt);
  }
  /// It is as wide as it may be. (Below that, credit is granted in halves of the window, or the pauses would not tell
  /// what limits; at its widest it may as well follow each acknowledgement.)
  bool at_most() const { return bytes_ >= most_; }
  /// About to grant more: chooses how much may be on its way from now on.
  void tune(Time now) {
    if (most_ <= start_) return;
    const Duration since = now - std::exchange(tuned_at_, now);
    if (waited_for_credit_ > shortest_pause && waited_for_credit_ > 2 * waited_for_events_) {
      const bool far_too_narrow = waited_for_credit_ > since / 4 * 3;
      // Else not with each grant: what it did last shows only after the next one has crossed the link.
      if (far_too_narrow || patience_ < longest_patience) {
        bytes_ = std::min(most_, bytes_ * (far_too_narrow ? 4 : 2));
        patience_ = longest_patience;
      } else {
        --patience_;
      }
    } else if (waited_for_credit_ == Duration::zero() && waited_for_events_ == Duration::zero()) {
      if (patience_ > 0) {
        --patience_;
      } else {
        bytes_ = std::max(start_, bytes_ - bytes_ / 16);
      }
    }
    waited_for_credit_ = waited_for_events_ = Duration::zero();
  }
  /// Up to `limit` bytes since the link began are granted.
  void record_grant(std::uint64_t limit) { limit_before_ = std::exchange(granted_, limit); }

 private:
  static constexpr Duration shortest_pause = std::chrono::microseconds(200);
  static constexpr int longest_patience = 16;  // grants

  std::uint64_t start_;
  std::uint64_t most_;
  std::uint64_t bytes_;
  std::uint64_t granted_;
  std::uint64_t limit_before_ = ~std::uint64_t{0};  // there was none
  std::optional<Time> idle_since_;
  bool at_limit_ = false;  // when it became idle
  Time tuned_at_{};
  Duration waited_for_credit_{};
  Duration waited_for_events_{};
  int patience_ = 0;  // so many grants more before it shrinks
};

}  // namespace galena::core
