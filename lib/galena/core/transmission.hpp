// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "galena/core/buffer.hpp"
#include "galena/core/link.hpp"
#include "galena/core/parcel.hpp"
#include "galena/time.hpp"

namespace galena::core {

/// Moves the cursor of the link's subscription forward within the link's credit, and appends the frames that this
/// takes. A lone event leaves at once. While `eager_frames` frames are not handled, the next one leaves with a full
/// batch, with the next acknowledgement, or `longest_hold_back` after the last frame: so frames grow as a link gets
/// busy, and a consumer that collects events before it acknowledges gets them all the same.
void transmit(Link& link, Buffer& buffer, std::vector<Parcel>& out, Time now);

/// How large the open batch of the link's view must be to make another transmit() worth while: View::quiet if only a
/// grant can change anything.
std::uint32_t wake_threshold(const Link& link, Time now);

/// The link has credit, and small batches wait all the same. It ends by itself: longest_hold_back after the last frame.
bool holds_back(const Link& link, Time now);

inline constexpr Duration longest_hold_back = std::chrono::milliseconds(5);
inline constexpr std::size_t eager_frames = 1;
inline constexpr std::uint32_t max_frame_bytes = 256 * 1024;

}  // namespace galena::core
