// SPDX-License-Identifier: Apache-2.0
#include "galena/stage/verdicts.hpp"

#include <doctest/doctest.h>

namespace galena::detail::test {
namespace {

TEST_CASE("what was not recorded was accepted; runs of equal answers are one") {
  Verdicts verdicts;
  verdicts.record(3, 5, Verdict::unknown, "broke");
  verdicts.record(6, 6, Verdict::unknown, "broke");
  verdicts.record(7, 7, Verdict::refused, "no");
  CHECK(verdicts.of(2).verdict == Verdict::accepted);
  for (std::uint64_t number : {3U, 5U, 6U}) CHECK(verdicts.of(number).verdict == Verdict::unknown);
  CHECK(verdicts.of(7).verdict == Verdict::refused);
  CHECK(verdicts.of(7).reason == "no");
  CHECK(verdicts.of(8).verdict == Verdict::accepted);
  CHECK(verdicts.is_recorded(6));
  CHECK_FALSE(verdicts.is_recorded(8));
}

TEST_CASE("what was recorded out of order is found") {
  Verdicts verdicts;
  verdicts.record(9, 9, Verdict::withdrawn, "");
  verdicts.record(4, 4, Verdict::refused, "no");
  CHECK(verdicts.of(4).verdict == Verdict::refused);
  CHECK(verdicts.of(5).verdict == Verdict::accepted);
  CHECK(verdicts.of(9).verdict == Verdict::withdrawn);
}

TEST_CASE("a refusal that is too old to be kept is never taken for accepted") {
  Verdicts verdicts;
  for (std::uint64_t i = 1; i <= Verdicts::max_runs + 1; ++i) verdicts.record(2 * i, 2 * i, Verdict::refused, "no");
  CHECK(verdicts.of(2).verdict == Verdict::unknown);
  CHECK(verdicts.of(4).verdict == Verdict::refused);
  CHECK(verdicts.of(5).verdict == Verdict::accepted);
}

}  // namespace
}  // namespace galena::detail::test
