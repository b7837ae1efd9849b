// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "galena/core/standing.hpp"

namespace galena::core {

/// Of a relay that acknowledges what its own subscribers have acknowledged: which input became what output. Input of
/// which nothing was made goes with its neighbours.
class Ledger {
 public:
  struct Entry {
    std::uint64_t output = 0;  ///< the relay's stream has everything that was made of it below this position
    std::uint64_t handled = 0;
    Standing standing;  ///< the subscription's, behind it
  };

  /// `handled` events of the link, up to `standing`, have become output below `output`. All of them only grow.
  void note(std::uint64_t output, std::uint64_t handled, const Standing& standing) {
    if (!entries_.empty() && entries_.back().output == output) {
      entries_.back() = {output, handled, standing};
    } else if (entries_.empty() || entries_.back().handled < handled) {
      entries_.push_back({output, handled, standing});
    }
  }
  /// Output below `upto` is acknowledged: up to which input that is. Empty if it is no more than before.
  std::optional<Entry> settle(std::uint64_t upto) {
    std::optional<Entry> last;
    while (!entries_.empty() && entries_.front().output <= upto) {
      last = entries_.front();
      entries_.pop_front();
    }
    return last;
  }
  /// The link is over. The next one begins behind what was settled, and what comes again is noted again.
  void clear() { entries_.clear(); }
  std::size_t size() const { return entries_.size(); }

 private:
  std::deque<Entry> entries_;
};

}  // namespace galena::core
