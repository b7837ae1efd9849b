// SPDX-License-Identifier: Apache-2.0
#include "galena/selection.hpp"

#include <doctest/doctest.h>

#include "frames.hpp"

namespace galena::core::test {
namespace {

using Patterns = std::vector<Topic>;

TEST_CASE("no topics named is every topic; so is the empty prefix, but not the empty topic") {
  CHECK(Selection().everything());
  CHECK(topics({}).everything());
  CHECK(Selection({{true, ""}, {false, "a"}}).everything());
  CHECK(Selection({{false, "a"}, {true, ""}, {false, ""}}) == Selection());
  CHECK(!topics({""}).everything());
  CHECK(selects(topics({""}), ""));
  CHECK(!selects(topics({""}), "a"));
}

TEST_CASE("order and repetition do not count") {
  CHECK(topics({"b", "a", "b"}) == topics({"a", "b"}));
  CHECK(topics({"b", "a", "b"}).patterns() == Patterns{{false, "a"}, {false, "b"}});
  CHECK(topics({"a"}) != topics({"b"}));
  CHECK(topics({"a"}) != prefixes({"a"}));
}

TEST_CASE("what a prefix of the same selection covers is left out") {
  const Selection selection({{false, "ab"}, {true, "abc"}, {false, "a"}, {true, "a"}, {false, "b"}, {true, "a"}});
  CHECK(selection.patterns() == Patterns{{true, "a"}, {false, "b"}});
  CHECK(Selection({{true, "ab"}, {false, "a"}}).patterns() == Patterns{{false, "a"}, {true, "ab"}});
  CHECK(Selection({{true, "a"}, {false, "a\xff"}, {false, "b"}}).patterns() == Patterns{{true, "a"}, {false, "b"}});
}

}  // namespace
}  // namespace galena::core::test
