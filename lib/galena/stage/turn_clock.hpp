// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include "galena/time.hpp"

namespace galena::detail {

/// Says when a relay's thread has been with its handler for so long that its subscribers should have their turn. It
/// looks at the clock after each call of a slow handler, and after each 64th of a fast one.
class TurnClock {
 public:
  /// A call has returned. True if it is time for a turn.
  bool is_over() {
    if (++calls_ < calls_a_look_) return false;
    const Time now = Clock::now();
    const bool over = now - looked_at_ > longest_turn;
    calls_a_look_ = over ? 1 : std::min(2 * calls_a_look_, most_calls_a_look);
    looked_at_ = now;
    calls_ = 0;
    return over;
  }

 private:
  static constexpr Duration longest_turn = std::chrono::milliseconds(1);
  static constexpr int most_calls_a_look = 64;

  Time looked_at_;
  int calls_ = 0;
  int calls_a_look_ = 1;
};

}  // namespace galena::detail
