// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

/// Why a link is over, or events will not come: see PROTOCOL.md.
namespace galena::core::reason {

inline constexpr std::string_view wrong_stage = "wrong-stage";  ///< the endpoint is somebody else's by now
inline constexpr std::string_view unknown = "unknown";          ///< no such link (any more): subscribe again
inline constexpr std::string_view malformed = "malformed";      ///< what came was not this protocol
inline constexpr std::string_view version = "version";          ///< the two sides speak no common version
inline constexpr std::string_view too_large =
    "too-large";                                      ///< it selects too many topics, or an event is more than it takes
inline constexpr std::string_view credit = "credit";  ///< more was sent than was granted
inline constexpr std::string_view acknowledge = "acknowledge";    ///< more was acknowledged than was sent
inline constexpr std::string_view silent = "silent";              ///< nothing was heard for too long
inline constexpr std::string_view cancelled = "cancelled";        ///< on purpose
inline constexpr std::string_view away = "away";                  ///< it will be back, or another of its identity
inline constexpr std::string_view superseded = "superseded";      ///< a later one has the identity now
inline constexpr std::string_view stopped = "stopped";            ///< the stage stops, its handler failed
inline constexpr std::string_view not_accepted = "not-accepted";  ///< this stage does not take what was offered
inline constexpr std::string_view full = "full";                  ///< of a gap: the buffer was full
inline constexpr std::string_view evicted = "evicted";            ///< of a gap: not kept for so long
inline constexpr std::string_view upstream = "upstream";          ///< of a gap: a relay misses events of its input
inline constexpr std::string_view lost = "lost";                  ///< of a gap: a broken link, or a publisher that died
}  // namespace galena::core::reason
