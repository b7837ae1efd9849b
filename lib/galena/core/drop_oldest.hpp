// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "galena/core/drops.hpp"
#include "galena/core/view.hpp"

namespace galena::core {

enum class Dropped : std::uint8_t { nothing, event, item };

/// The policy keep_last: drops the oldest event that the view holds. Cursors that have passed it lose nothing; the
/// others are to tell a gap. `item`: nothing is left of the item, and no cursor holds it any more. Requires: the open
/// batch is sealed, unless the view holds an item.
Dropped drop_oldest(View& view, DropCounter& drops);

}  // namespace galena::core
