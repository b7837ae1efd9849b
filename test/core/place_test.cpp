// SPDX-License-Identifier: Apache-2.0
#include "galena/core/place.hpp"

#include <doctest/doctest.h>

#include "frames.hpp"
#include "galena/core/seen.hpp"

namespace galena::core::test {
namespace {

TEST_CASE("a place further into a batch is later, and one in a later batch is later still") {
  const Id stream = id(1);
  CHECK(Place{stream, 4, 0} < Place{stream, 4, 2});
  CHECK(Place{stream, 4, 9} < Place{stream, 6, 0});
  CHECK(Place{stream, 4, 2} == Place{stream, 4, 2});
  CHECK_FALSE(Place{stream, 4, 2} == Place{id(2), 4, 2});
}

TEST_CASE("what was handled directly is known again when a relay made it, and the other way round") {
  Seen seen;
  const Id stream = id(1);
  seen.record(Place{stream, 10, 2});
  CHECK(seen.contains(Place{stream, 10, 2}));
  CHECK_FALSE(seen.contains(Place{stream, 10, 3}));
  CHECK(seen.contains(Origin{{stream, 10, 1}, 7}));  // made from the second event of the batch
  CHECK_FALSE(seen.contains(Origin{{stream, 10, 2}, 0}));

  seen.record(Origin{{stream, 10, 4}, 1});
  CHECK(seen.contains(Place{stream, 10, 4}));
  CHECK_FALSE(seen.contains(Place{stream, 10, 5}));  // more parts of the fifth event may follow
  CHECK(seen.contains(Origin{{stream, 10, 4}, 1}));
  CHECK_FALSE(seen.contains(Origin{{stream, 10, 4}, 2}));
  CHECK_FALSE(seen.contains(Place{id(2), 0, 0}));
}

}  // namespace
}  // namespace galena::core::test
