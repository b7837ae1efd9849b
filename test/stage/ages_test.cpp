// SPDX-License-Identifier: Apache-2.0
#include "galena/stage/ages.hpp"

#include <doctest/doctest.h>

namespace galena::test {
namespace {

using namespace std::chrono_literals;

constexpr Time start = Time{} + 1h;

TEST_CASE("an age is that of the moment by which the event had come, and never too large") {
  detail::Ages ages;
  ages.record(10, 0, start);
  ages.record(20, 0, start + 1s);
  ages.record(20, 0, start + 2s);
  CHECK(ages.age(0, start + 3s) == 3s);
  CHECK(ages.age(9, start + 3s) == 3s);
  CHECK(ages.age(10, start + 3s) == 2s);  // it came after the first moment
  CHECK(ages.age(19, start + 3s) == 2s);
  CHECK(ages.age(20, start + 3s) == 0s);
}

TEST_CASE("what is done with has no age, and what comes behind it keeps its own") {
  detail::Ages ages;
  ages.record(10, 0, start);
  ages.record(20, 10, start + 1s);
  CHECK(ages.age(10, start + 2s) == 1s);
  ages.record(20, 20, start + 2s);
  CHECK(ages.age(20, start + 2s) == 0s);
  ages.record(21, 20, start + 3s);
  CHECK(ages.age(20, start + 4s) == 1s);
}

TEST_CASE("however long one event waits, its age is right, and the memory is bounded") {
  detail::Ages ages;
  constexpr int moments = 10 * static_cast<int>(detail::Ages::most);
  for (int n = 1; n <= moments; ++n) ages.record(static_cast<std::uint64_t>(n), 0, start + n * 1s);
  const Time now = start + moments * 1s;
  CHECK(ages.age(0, now) == (moments - 1) * 1s);
  CHECK(ages.age(moments - 2, now) == 1s);
  CHECK(ages.age(1, now) == (detail::Ages::most - 2) * 1s);  // not known, and not too large
}

}  // namespace
}  // namespace galena::test
