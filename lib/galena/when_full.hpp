// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "galena/export.hpp"

namespace galena {

/// What happens to an event that somebody selected when that subscriber's share of the buffer is full.
enum class WhenFull : std::uint8_t {
  wait,        ///< the caller waits (or is told "full")
  keep_last,   ///< the oldest event that was not sent yet makes room, counted, and its subscribers are told
  keep_first,  ///< the new event is not kept, counted, and its subscribers are told
};

}  // namespace galena
