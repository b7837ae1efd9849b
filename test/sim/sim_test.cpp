// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <set>
#include <string>
#include <string_view>

#include "world.hpp"

namespace galena::sim {
namespace {

constexpr std::uint64_t seeds = 2000;
/// Each of the deliberate faults is found by then.
constexpr std::uint64_t most_seeds = 60;

TEST_CASE("nothing is lost, repeated, granted or kept that should not be, whatever happens: two thousand seeds") {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    const Outcome outcome = simulate(seed);
    if (outcome.complaint) {
      FAIL("seed " << seed << " (" << to_string(outcome.complaint->kind) << "): " << outcome.complaint->what
                   << "\nsee: sim --seed " << seed);
    }
  }
}

TEST_CASE("the same seed is the same run, to the byte") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Outcome first = simulate(seed);
    const std::string in_the_way(seed * 1000, '.');  // so that what is allocated lies elsewhere
    const Outcome again = simulate(seed);
    CHECK(first.hash == again.hash);
    CHECK(first.steps == again.steps);
    CHECK(first.hash != simulate(seed + 1).hash);
  }
}

TEST_CASE("each deliberate fault is caught, by the checker that is meant to catch it") {
  for (const FaultInfo& fault : faults) {
    CAPTURE(fault.name);
    std::set<std::string_view> kinds;  // others may see it, too
    for (std::uint64_t seed = 1; seed <= most_seeds && !kinds.contains(to_string(fault.caught_as)); ++seed) {
      const Outcome outcome = simulate(seed, default_steps, fault.fault);
      if (outcome.complaint) kinds.emplace(to_string(outcome.complaint->kind));
    }
    CHECK(kinds.contains(to_string(fault.caught_as)));
  }
}

}  // namespace
}  // namespace galena::sim
