// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>

#include "galena/base/assert.hpp"
#include "galena/id.hpp"

namespace galena::core {

/// Where a reader stands in a stream: behind every position below `from`, and behind the first `events` of the selected
/// events of the batch that begins at `from`. Example: {stream, 40, 2} has handled the first two events of the batch
/// that begins at position 40. (Positions also count events that are not selected, so 40 + 2 would be wrong.)
struct Place {
  Id stream = {};  ///< none: the reader has no place yet
  std::uint64_t from = 0;
  std::uint64_t events = 0;

  friend bool operator==(const Place&, const Place&) = default;
  /// The earlier place is the smaller one. Requires: both lie in the same stream.
  friend std::strong_ordering operator<=>(const Place& one, const Place& other) {
    GALENA_ASSERT(one.stream == other.stream, "places of different streams have no order");
    if (one.from != other.from) return one.from <=> other.from;
    return one.events <=> other.events;
  }
};

}  // namespace galena::core
