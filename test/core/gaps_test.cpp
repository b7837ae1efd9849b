// SPDX-License-Identifier: Apache-2.0
#include "galena/core/gaps.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

namespace galena::core::test {
namespace {

using Strings = std::vector<std::string>;

Gap gap(std::uint64_t from, std::uint64_t upto, std::optional<std::uint64_t> count) { return {from, upto, count, "r"}; }

Strings take(UnheardGaps& gaps) {
  Strings lines;
  for (const Gap& at : gaps.take()) {
    lines.push_back(std::to_string(at.from) + "-" + std::to_string(at.upto) + " " +
                    (at.count ? std::to_string(*at.count) : "?"));
  }
  return lines;
}

TEST_CASE("a gap that is told ten times counts once, and one that has grown counts what is new") {
  GapCounter lost;
  for (int i = 0; i < 10; ++i) lost.add(gap(10, 20, 3));
  CHECK(lost.total() == 3);
  lost.add(gap(10, 25, 5));
  lost.add(gap(12, 14, 2));
  CHECK(lost.total() == 5);
  lost.add(gap(30, 40, std::nullopt));
  lost.add(gap(50, 60, 7));
  CHECK(lost.total() == 12);
}

TEST_CASE("what will be found again is not told again") {
  UnheardGaps unheard;
  unheard.record(gap(0, 10, 4), 0);
  unheard.record(gap(12, 20, 5), 0);
  unheard.record(gap(20, 21, 1), 0);
  unheard.handle_return_to(15);
  CHECK(take(unheard) == Strings{"0-10 4", "12-15 ?"});
  CHECK(take(unheard).empty());
}

TEST_CASE("of gaps that overlap, no position counts twice") {
  GapCounter lost;
  lost.add(gap(0, 10, 10));
  lost.add(gap(5, 15, 10));
  CHECK(lost.total() == 15);
  lost.add(gap(0, 20, 20));
  CHECK(lost.total() == 20);
}

TEST_CASE("a gap is heard when something that was sent after it is acknowledged") {
  UnheardGaps unheard;
  unheard.record(gap(0, 5, 5), 0);
  unheard.record(gap(8, 9, 1), 3);
  unheard.handle_acknowledged(0);
  unheard.handle_acknowledged(3);
  CHECK(take(unheard) == Strings{"8-9 1"});
}

TEST_CASE("however many gaps there are, they are bounded, and no count is above what its range can hold") {
  UnheardGaps unheard;
  GapCounter lost;
  for (std::uint64_t from = 0; from < 10'000; from += 10) {
    unheard.record(gap(from, from + 5, 5), from);
    lost.add(gap(from, from + 5, 5));
  }
  CHECK(lost.total() == 5000);
  lost.add(gap(0, 10'000, 10'000));
  CHECK(lost.total() <= 10'000);
  const auto left = unheard.take();
  CHECK(left.size() == UnheardGaps::max_gaps);
  std::uint64_t counted = 0;
  for (const Gap& at : left) {
    CHECK(*at.count <= at.upto - at.from);
    counted += *at.count;
  }
  CHECK(counted == 5000);
}

}  // namespace
}  // namespace galena::core::test
