// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "galena/core/log.hpp"
#include "galena/core/message.hpp"
#include "galena/selection.hpp"

namespace galena::core {

struct View;

/// A subscription's place in a view: the next event it is to get, and from where on what it got may be asked for.
struct Cursor {
  View* view = nullptr;
  std::uint64_t item = 0;       ///< the number of the next item, view->log.end() if it has everything that is sealed
  std::uint32_t events = 0;     ///< how many events of that item it has, or knows to be dropped
  std::uint32_t offset = 0;     ///< and how many bytes of them
  std::uint64_t held = 0;       ///< items from this one on are kept for it: sent and not acknowledged, or not sent
  std::optional<Gap> gap = {};  ///< dropped in front of it and not told yet
  std::uint64_t dropped = 0;    ///< events, since it was attached
  std::uint64_t selected_before = 0;  ///< what the view had selected before this cursor's first event

  /// Events selected since it was attached: those sent, those held, those dropped.
  std::uint64_t selected() const;

  bool at_end() const;
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
  /// To be told before anything else: of [from, upto), `count` events are dropped; nobody knows how many if it is
  /// empty.
  void note_gap(std::uint64_t from, std::uint64_t upto, std::optional<std::uint64_t> count, std::string_view reason) {
    dropped += count.value_or(0);
    if (!gap) gap = Gap{from, from, 0, std::string(reason)};
    gap->upto = std::max(gap->upto, upto);
    gap->count = gap->count && count ? std::optional(*gap->count + *count) : std::nullopt;
  }
  /// Takes in what it does not know yet of the gap that it stands at. (The last item of a log may be a gap that grows.)
  void learn_gap();
};

/// A selection, the events it selects, and those who read them. Subscriptions of equal selections share it.
struct View {
  static constexpr std::uint32_t quiet = std::numeric_limits<std::uint32_t>::max();

  View(Selection what, SegmentPool& pool, std::uint64_t from) : selection(std::move(what)), log(pool, from) {}

  /// Somebody reads it, or will: what is not acknowledged must stay.
  bool holds() const { return !cursors.empty(); }
  std::uint64_t held_events() const { return log.held_events() - dropped_events; }

  Selection selection;
  Log log;
  std::vector<Cursor*> cursors;
  std::uint64_t selected = 0;  ///< events, since it was made

  std::uint32_t dropped_events = 0;  ///< of the item at the log's floor, by keep_last
  std::uint32_t dropped_offset = 0;

  std::uint32_t wake_at = quiet;  ///< an open batch of so many bytes is worth a transmission
  bool dirty = false;             ///< listed for transmission
};

inline std::uint64_t Cursor::selected() const { return view->selected - selected_before; }
inline bool Cursor::at_end() const {
  const Log& log = view->log;
  if (log.has_open() || item == log.end()) return !log.has_open();
  return item + 1 == log.end() && log.at(item).is_gap() && events == log.at(item).count;
}

}  // namespace galena::core
