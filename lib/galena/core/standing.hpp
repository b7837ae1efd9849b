// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "galena/core/place.hpp"

namespace galena::core {

/// What a subscription remembers when a link ends, and gives to the next link: its place, and the last gap that it was
/// told.
struct Standing {
  /// The gap that was told last. The publisher may tell it again later, and it may have grown by then.
  struct ToldGap {
    std::uint64_t from = 0;
    std::uint64_t upto = 0;                   ///< its end; gaps before it have been told, too
    std::optional<std::uint64_t> count = {};  ///< events; empty if their number is unknown
  };

  Place place;
  ToldGap told = {};
  bool ended = false;  ///< the publisher said that nothing follows
  /// Events below this place may have been handled already, by an earlier consumer with the same identity.
  std::optional<Place> repeated = {};
  /// So may events behind `place`: the last batch was replayed, and nobody knows how much of that was handled before.
  bool doubtful = false;
};

}  // namespace galena::core
