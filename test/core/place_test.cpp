// SPDX-License-Identifier: Apache-2.0
#include "galena/core/place.hpp"

#include <doctest/doctest.h>

#include "frames.hpp"

namespace galena::core::test {
namespace {

TEST_CASE("a place further into a batch is later, and one in a later batch is later still") {
  const Id stream = id(1);
  CHECK(Place{stream, 4, 0} < Place{stream, 4, 2});
  CHECK(Place{stream, 4, 9} < Place{stream, 6, 0});
  CHECK(Place{stream, 4, 2} == Place{stream, 4, 2});
  CHECK_FALSE(Place{stream, 4, 2} == Place{id(2), 4, 2});
}

}  // namespace
}  // namespace galena::core::test
