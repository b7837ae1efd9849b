// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "galena/time.hpp"

namespace galena::core {

/// Chooses how many bytes of a subscription may be on their way or waiting. Between `start` and `most` it tunes itself:
/// it grows while the delay of the link limits the rate, and shrinks while the handler does.
///
/// How it knows: the last grant may still be crossing the link, so the publisher can be sure only of the grant before
/// it. When it has used that up it must pause, and the subscriber sees nothing arrive from about that limit on. So:
///   - a pause that begins near the limit of the grant before the last one: the delay limits, a wider window helps;
///   - a pause anywhere else: the publisher had nothing to send, or the link carries no more. A wider window is no
///   help;
///   - no pause at all: the handler limits.
class Window {
 public:
  /// If `most` is not above `start`, the window stays at `start`.
  Window(std::uint64_t start, std::uint64_t most) : start_(start), most_(most), bytes_(start), granted_(start) {}

  std::uint64_t bytes() const { return bytes_; }

  /// All of the `received` bytes that arrived since the link began are handled.
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
  /// Whether the window is as wide as it may be. Then credit may follow each acknowledgement. (A narrower window must
  /// be granted in halves, or the pauses would not tell what limits the rate.)
  bool at_most() const { return bytes_ >= most_; }
  /// A grant is about to be made: chooses the window for it, from the pauses since the last one.
  void tune(Time now) {
    if (most_ <= start_) return;
    const Duration since = now - std::exchange(tuned_at_, now);
    if (waited_for_credit_ > shortest_pause && waited_for_credit_ > 2 * waited_for_events_) {
      const bool far_too_narrow = waited_for_credit_ > since / 4 * 3;
      // If it is not far too narrow, one grant passes between two steps: the effect of a step shows only after the next
      // grant has crossed the link.
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
  /// A grant lets `limit` bytes since the link began be sent.
  void record_grant(std::uint64_t limit) { limit_before_ = std::exchange(granted_, limit); }

 private:
  static constexpr Duration shortest_pause = std::chrono::microseconds(200);
  static constexpr int longest_patience = 16;  // grants

  std::uint64_t start_;
  std::uint64_t most_;
  std::uint64_t bytes_;
  std::uint64_t granted_;
  std::uint64_t limit_before_ = ~std::uint64_t{0};  // no grant yet
  std::optional<Time> idle_since_;
  bool at_limit_ = false;  // the pause began near limit_before_
  Time tuned_at_{};
  Duration waited_for_credit_{};
  Duration waited_for_events_{};
  int patience_ = 0;  // grants without a pause to wait before it shrinks
};

}  // namespace galena::core
