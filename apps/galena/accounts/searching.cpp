// SPDX-License-Identifier: Apache-2.0
#include "accounts/searching.hpp"

#include <fmt/format.h>

namespace galena::cli {

Searching::Searching(const std::vector<Subscription>& subscriptions) {
  for (const Subscription& to : subscriptions) missing_.insert(fmt::format("'{}'", to.producer.text()));
}

void Searching::record(const Source& producer, State state) {
  const std::string name = fmt::format("'{}'", producer.text());
  if (state == State::lost) say(name + " is gone; waiting for it to come back");
  if (state == State::ended) say(name + " has ended its stream; waiting for another of that name");
  if (state == State::superseded && !superseded_.exchange(true)) {
    say("another has taken up this identity, which only one can have; this one stops");
  }
  const std::lock_guard lock(mutex_);
  if (state == State::lost) lost_.insert(name);
  if (state != State::connected) return;
  missing_.erase(name);
  lost_.erase(name);
}

std::vector<std::string> Searching::lost() {
  const std::lock_guard lock(mutex_);
  return {lost_.begin(), lost_.end()};
}

void Searching::say_missing(Node& node) {
  std::string whom;
  {
    const std::lock_guard lock(mutex_);
    whom = joined(missing_, ", ");
  }
  if (whom.empty()) return;
  try {
    node.list(std::chrono::milliseconds(500));
    say("waiting for " + whom + " (`galena ls` lists the names that are registered)");
  } catch (const Error& error) {
    say("waiting for " + whom + ", and for a name service: " + error.what());
  }
}

}  // namespace galena::cli
