// SPDX-License-Identifier: Apache-2.0
#include "galena/state.hpp"

namespace galena {

std::string_view to_string(State state) {
  switch (state) {
    case State::searching:
      return "searching";
    case State::connected:
      return "connected";
    case State::ended:
      return "ended";
    case State::superseded:
      return "superseded";
    case State::lost:
      break;
  }
  return "lost";
}

std::string_view to_string(SubscriberChange change) {
  switch (change) {
    case SubscriberChange::joined:
      return "joined";
    case SubscriberChange::away:
      return "away";
    case SubscriberChange::returned:
      return "returned";
    case SubscriberChange::gone:
      break;
  }
  return "gone";
}

}  // namespace galena
