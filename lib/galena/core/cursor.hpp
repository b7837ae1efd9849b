// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "galena/core/gaps.hpp"
#include "galena/core/log.hpp"
#include "galena/gap.hpp"

namespace galena::core {

class Subscription;
struct View;

/// Consecutive events of a log that were sent in one frame.
struct Run {
  Spot begin = {};  ///< in front of the first of them
  Spot end = {};    ///< behind the last of them
  std::uint64_t events = 0;
  std::uint64_t from = 0;  ///< the position at which the item of `begin` begins
};

/// A place in a view that keeps events from being forgotten: the next event that a subscription is to get, and what a
/// link that was lost handed back in front of it.
struct Cursor {
  View* view = nullptr;
  std::uint64_t item = 0;       ///< the number of the next item, view->log.end() if it has everything that is sealed
  std::uint32_t events = 0;     ///< how many events of that item it has, or knows to be dropped
  std::uint32_t offset = 0;     ///< and how many bytes of them
  std::uint64_t learned = 0;    ///< if that item is a gap of which it knows events: they lie below this position
  std::uint64_t held = 0;       ///< items from this one on are kept for it: sent and not acknowledged, or not sent
  std::optional<Gap> gap = {};  ///< dropped in front of it and not told yet
  std::uint64_t dropped = 0;    ///< events, since it was attached
  std::uint64_t selected_before = 0;  ///< what the view had selected before this cursor's first event
  std::vector<Run> returned = {};  ///< to be sent again, in order, each one in front of the cursor and not next to it
  std::uint64_t gone = 0;  ///< events that were handed back and were not there any more, since the last link began
  Subscription* subscription = nullptr;  ///< whose it is; none: nobody reads on here

  /// Events selected since it was attached: those sent, those held, those dropped.
  std::uint64_t selected() const;

  /// Bytes of the events that it has before it, as they lie in the view's log.
  std::uint64_t held_bytes() const;

  bool at_end() const;
  Spot spot() const { return {item, events}; }
  /// Of its next item: what was selected from there on is still to come, or is told as a gap.
  std::uint64_t position() const;
  void step() {
    ++item;
    events = offset = 0;
  }
  /// Back, or on, to the `count`-th event from item `number` on, which is still there or the end.
  void go_back(std::uint64_t number, std::uint64_t count);
  /// On to the `count`-th event of the batch that begins at position `from`: what lies below is done with. Returns how
  /// many events that were.
  std::uint64_t go_on(std::uint64_t from, std::uint64_t count);
  /// Takes back what was sent and will not be acknowledged. What ends where the cursor stands moves the cursor back;
  /// the rest is kept in `returned`. What made room for newer events in the meantime cannot be sent again: it becomes a
  /// gap of unknown size, because nobody knows how much of it was handled. Returns the position that it went back to,
  /// if it did: the gaps from there on will be found again.
  std::optional<std::uint64_t> hand_back(const std::vector<Run>& runs);
  /// To be told before anything else: of [from, upto), `count` events are dropped; nobody knows how many if it is
  /// empty.
  void record_gap(std::uint64_t from, std::uint64_t upto, std::optional<std::uint64_t> count, std::string_view reason) {
    dropped += count.value_or(0);
    const Gap more{from, upto, count, std::string(reason)};
    gap = gap ? merged(*gap, more) : more;
  }
  /// Takes in what it does not know yet of the gap that it stands at. (The last item of a log may be a gap that grows.)
  void learn_gap();

 private:
  std::uint64_t forget_gaps(std::uint64_t number);
};

}  // namespace galena::core
