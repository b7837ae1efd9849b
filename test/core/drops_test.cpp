// SPDX-License-Identifier: Apache-2.0
#include "galena/core/drops.hpp"

#include <doctest/doctest.h>

namespace galena::core {
namespace {

TEST_CASE("drops are counted by topic and reason") {
  DropCounter drops;
  drops.add("a", "full");
  drops.add("a", "full", 2);
  drops.add("a", "lost");
  drops.add("b", "full", 0);
  CHECK(drops.counts() == DropCounts{{{"a", "full"}, 3}, {{"a", "lost"}, 1}});
  CHECK(drops.total() == 4);
}

TEST_CASE("topics beyond the bound share one entry, and none is lost from the total") {
  DropCounter drops;
  for (int i = 0; i < 5000; ++i) drops.add(std::to_string(i), "full");
  CHECK(drops.counts().size() == DropCounter::max_topics + 1);
  CHECK(drops.counts().at({"(other topics)", "full"}) == 4000);
  drops.add("0", "full");
  CHECK(drops.counts().at({"0", "full"}) == 2);
  CHECK(drops.total() == 5001);
}

}  // namespace
}  // namespace galena::core
