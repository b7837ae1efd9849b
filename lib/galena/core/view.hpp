// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "galena/core/log.hpp"
#include "galena/selection.hpp"

namespace galena::core {

struct Cursor;

/// A selection, the log of the events that it selects, and the cursors of those who read them. Subscriptions of equal
/// selections share it.
struct View {
  static constexpr std::uint32_t quiet = std::numeric_limits<std::uint32_t>::max();

  View(Selection what, SegmentPool& pool, std::uint64_t from) : selection(std::move(what)), log(pool, from) {}

  /// It has a reader, or will have one: what is not acknowledged must stay.
  bool holds() const { return !cursors.empty(); }
  std::uint64_t held_events() const { return log.held_events() - dropped_events; }

  Selection selection;
  Log log;
  std::vector<Cursor*> cursors;
  std::uint64_t selected = 0;  ///< events, since it was made

  std::uint32_t dropped_events = 0;  ///< of the item at the log's floor, by keep_last
  std::uint32_t dropped_offset = 0;  ///< the bytes that these events take

  std::uint32_t wake_at = quiet;  ///< an open batch of so many bytes is worth a transmission
  bool dirty = false;             ///< listed for transmission
};

}  // namespace galena::core
