// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace galena::sim {

/// Which promise was broken.
enum class Kind : std::uint8_t {
  credit,           ///< more was sent than granted
  acknowledgement,  ///< something was acknowledged that was not done with
  bounds,           ///< more was kept than allowed
  accounts,         ///< selected is not acknowledged, in flight, held and dropped
  order,            ///< events came out of order, or were altered
  selection,        ///< an event came that was not selected
  repeat,           ///< an event came again, and was not marked as it should be
  loss,             ///< an event did not come, and nobody was told
  gap,              ///< a loss was told though there was none
  count,            ///< a gap told a wrong number
  place,            ///< a place was given up too early
  refused,          ///< a peer that follows the protocol was told that it does not
  liveness,         ///< the faults are over, and something does not come to rest
};

inline std::string_view to_string(Kind kind) {
  constexpr std::string_view names[] = {"credit",    "acknowledgement", "bounds",  "accounts", "order",
                                        "selection", "repeat",          "loss",    "gap",      "count",
                                        "place",     "refused",         "liveness"};
  return names[static_cast<std::size_t>(kind)];
}

/// Thrown by a checker: the run is over.
struct Complaint {
  Kind kind;
  std::string what;
};

inline void require(bool good, Kind kind, const char* what) {
  if (!good) [[unlikely]] {
    throw Complaint{kind, what};
  }
}
/// `what` makes the text, which costs nothing while all is well.
template <class Text>
void require(bool good, Kind kind, Text&& what) requires requires {
  std::string(what());
}
{
  if (!good) [[unlikely]] {
    throw Complaint{kind, what()};
  }
}

}  // namespace galena::sim
