// SPDX-License-Identifier: Apache-2.0
#include "galena/core/allowance.hpp"

#include <doctest/doctest.h>

#include "frames.hpp"
#include "galena/core/inlet.hpp"

namespace galena::core::test {
namespace {

constexpr std::uint64_t endless = ~std::uint64_t{0};

TEST_CASE("a refill is due when the minimum is left, and then reaches up to the maximum again") {
  Allowance allowance({.max_events = 10, .min_events = 4, .max_bytes = 1000});
  CHECK(allowance.limit() == Credit{10, 1000});
  CHECK_FALSE(allowance.refill_due({5, 499}));
  CHECK(allowance.refill_due({6, 0}));
  CHECK(allowance.refill_due({0, 500}));
  allowance.refill({6, 100}, at(0));
  CHECK(allowance.limit() == Credit{16, 1100});
  CHECK_FALSE(allowance.refill_due({11, 599}));
  CHECK(allowance.refill_due({12, 0}));
}

TEST_CASE("once stopped, nothing is due and no limit goes up") {
  Allowance allowance({.max_events = 10, .min_events = 4, .max_bytes = 1000});
  allowance.stop();
  CHECK_FALSE(allowance.refill_due({10, 1000}));
  CHECK_FALSE(allowance.can_refill({10, 1000}));
  allowance.follow({10, 1000});
  CHECK(allowance.limit() == Credit{10, 1000});
}

TEST_CASE("a maximum of 2^64-1 is without bound: it stays there, and does not wrap") {
  Allowance allowance({.max_events = endless, .min_events = 0, .max_bytes = endless});
  CHECK(allowance.limit() == Credit{endless, endless});
  allowance.refill({1000, 1000}, at(0));
  CHECK(allowance.limit() == Credit{endless, endless});
  CHECK_FALSE(allowance.can_refill({1000, 1000}));
  allowance.refill({endless, endless}, at(0));
  CHECK(allowance.limit() == Credit{endless, endless});
}

TEST_CASE("a subscription with endless demand goes on over many grants") {
  Inlet inlet({.demand = {.max_events = endless, .min_events = endless / 2, .max_bytes = 100}}, at(0));
  REQUIRE(inlet.handle(encode(Accept{id(1), {id(9), 0}}), at(0)) == Inlet::Input::accepted);
  for (std::uint64_t i = 0; i < 100; ++i) {
    const std::string frame = batch(i, i + 1, {{"t", "0123456789"}});
    REQUIRE(inlet.handle(frame, at(0)) == Inlet::Input::events);
    for (EventView event; inlet.next(event);) inlet.handled();
    REQUIRE(inlet.failure().reason.empty());
    const auto grant = expect<Grant>(inlet.poll_grant(true, at(0)).value());
    CHECK(grant.acknowledged == i + 1);
    CHECK(grant.limit.events == endless);
  }
}

}  // namespace
}  // namespace galena::core::test
