// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "galena/export.hpp"

namespace galena {

/// What a subscription is doing, as on_state tells it.
enum class State : std::uint8_t {
  searching,  ///< nobody has the name, as far as known
  connected,  ///< events flow
  lost,       ///< the producer went away without saying so, or cannot be reached; searching follows
  ended,      ///< the producer ended its stream on purpose: nothing of it is missing; searching for a successor follows
  superseded,  ///< a later consumer has taken up the identity: this one stops
};
GALENA_API std::string_view to_string(State state);

/// What became of a subscriber, as on_subscriber tells it.
enum class SubscriberChange : std::uint8_t {
  joined,    ///< it has subscribed
  away,      ///< its connection broke, and its place is held
  returned,  ///< it, or the next consumer of its identity, is there again
  gone,      ///< its subscription is over
};
GALENA_API std::string_view to_string(SubscriberChange change);

}  // namespace galena
