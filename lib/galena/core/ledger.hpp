// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "galena/core/standing.hpp"

namespace galena::core {

/// Tells a relay which input it may acknowledge, if it acknowledges only what its own subscribers have acknowledged. It
/// remembers which output position was reached by which input. Input that became no output is acknowledged together
/// with the input before it.
class Ledger {
 public:
  struct Entry {
    std::uint64_t output = 0;  ///< everything that was made of the input lies below this position of the relay's stream
    std::uint64_t handled = 0;  ///< events of the input's link
    Standing standing;          ///< where the relay's subscription stands behind the input
  };

  /// The first `handled` events of the link, up to `standing`, have become output below position `output`. From call to
  /// call all three only grow.
  void record(std::uint64_t output, std::uint64_t handled, const Standing& standing) {
    if (!entries_.empty() && entries_.back().output == output) {
      entries_.back() = {output, handled, standing};
    } else if (entries_.empty() || entries_.back().handled < handled) {
      entries_.push_back({output, handled, standing});
    }
  }
  /// The relay's subscribers have acknowledged the output below `upto`. Returns the last input that became part of it,
  /// or empty if that is no more than at the last call.
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
