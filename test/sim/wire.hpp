// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "books.hpp"
#include "galena/time.hpp"
#include "random.hpp"

namespace galena::sim {

class Publisher;
class Subscriber;

/// One connection: first in, first out both ways until it breaks; then what is on its way is lost, and what has arrived
/// can still be read. Each side learns of it in its own time, or never.
struct Wire {
  struct Way {
    std::deque<std::string> flight = {};
    std::deque<std::string> arrived = {};
    bool cut = false;  ///< nothing arrives any more, and nobody is told
  };

  std::uint32_t number = 0;
  std::string peer;                  ///< as the outlet calls it
  Subscriber* subscriber = nullptr;  ///< none: that end is closed
  Publisher* publisher = nullptr;
  Way up = {};           ///< to the publisher
  Way down = {};         ///< to the subscriber
  bool closing = false;  ///< one end is closed: what it said before still arrives
  bool broken = false;
  Time subscriber_learns = never;
  Time publisher_learns = never;
  LinkBook book = {};

  void send(Way& way, std::string message) const {
    if (!broken && !closing) way.flight.push_back(std::move(message));
  }
  /// Moves one message on. False if there is none.
  static bool deliver(Way& way) {
    if (way.flight.empty()) return false;
    if (!way.cut) way.arrived.push_back(std::move(way.flight.front()));
    way.flight.pop_front();
    return true;
  }
  void break_off(Time now, Random& random) {
    if (broken) return;
    broken = true;
    up.flight.clear();
    down.flight.clear();
    const auto learns = [&] { return random.percent(70) ? now + random.micros(0, 20'000) : never; };
    subscriber_learns = learns();
    publisher_learns = learns();
  }
  /// Nobody has it any more.
  bool is_over() const { return subscriber == nullptr && publisher == nullptr; }
};

}  // namespace galena::sim
