// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "content.hpp"
#include "galena/core/inlet.hpp"
#include "galena/core/outlet.hpp"
#include "random.hpp"

namespace galena::sim {

enum class Role : std::uint8_t { producer, relay, consumer };

/// What a relay makes of an event.
enum class Makes : std::uint8_t {
  the_same,
  some,  ///< one, or none
  many,  ///< one to three
};

/// One subscription of a stage, over all its lives.
struct SubscriptionPlan {
  std::string name;
  std::size_t source = 0;  ///< the number of the stage
  Selection selection = {};
  core::Demand demand = {};
  Duration silence = {};
  bool identity = false;  ///< its name is its identity
  bool store = false;     ///< its place survives a crash
  bool relays = false;    ///< acknowledges what its own subscribers have acknowledged
  bool seen = false;      ///< passes over what it has handled, wherever it comes from
  unsigned slow = 0;      ///< percent of events that take its handler long
  /// From the producer to here everything waits, holds and expects: nothing may be lost while the producer lives.
  bool guaranteed = false;
};

struct OutletPlan {
  core::Buffer::Options buffer = {};
  Duration silence = {};
  Duration hold = {};
  std::vector<std::string> expect = {};
  std::uint64_t max_in_flight_bytes = 16 << 20;
};

struct StagePlan {
  std::string name;
  Role role = Role::producer;
  OutletPlan outlet = {};
  std::vector<SubscriptionPlan> subscriptions = {};
  Makes makes = Makes::the_same;
};

/// What varies from seed to seed.
struct Plan {
  std::vector<StagePlan> stages;
  unsigned trouble = 0;  ///< of 1,000 steps so many are mishaps
  bool crashes = true;
  bool breaks = true;
};

Plan make_plan(Random& random);

inline constexpr std::string_view topics[] = {"a", "ab", "b/x", "b/y", "c"};

/// By the words of the protocol, without the library's index.
bool selects(const Selection& selection, std::string_view topic);

/// What a relay makes of an event, in order.
std::vector<Content> make(Makes makes, const Content& of);

}  // namespace galena::sim
