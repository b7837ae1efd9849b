// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "galena/core/standing.hpp"

namespace galena::core {

/// Tells a relay that acknowledges downstream which input it may acknowledge. It remembers which output position was
/// reached with which input. Input of which the relay made nothing does not move the output position: it replaces the
/// entry before it, and is acknowledged together with that input.
class Ledger {
 public:
  struct Entry {
    std::uint64_t output = 0;  ///< everything that was made of the input lies below this position of the relay's stream
    std::uint64_t handled = 0;  ///< deliveries of the input's link
    Standing standing;          ///< where the relay's subscription stood after the input
  };

  /// The first `handled` deliveries of the link, up to `standing`, have become output below position `output`. None of
  /// the three is ever less than in the call before. A call that brings no new input is ignored.
  void record(std::uint64_t output, std::uint64_t handled, const Standing& standing) {
    if (!entries_.empty() && entries_.back().output == output) {
      entries_.back() = {output, handled, standing};
    } else if (entries_.empty() || entries_.back().handled < handled) {
      entries_.push_back({output, handled, standing});
    }
  }
  /// The relay's subscribers have acknowledged the output below `upto`. Returns the last input of which all output lies
  /// below `upto`; empty if the call before returned that already.
  std::optional<Entry> acknowledge(std::uint64_t upto) {
    std::optional<Entry> last;
    while (!entries_.empty() && entries_.front().output <= upto) {
      last = entries_.front();
      entries_.pop_front();
    }
    return last;
  }
  /// The link is over. The next link begins behind what was acknowledged, so the rest comes again and is recorded
  /// again.
  void clear() { entries_.clear(); }
  std::size_t size() const { return entries_.size(); }

 private:
  std::deque<Entry> entries_;
};

}  // namespace galena::core
