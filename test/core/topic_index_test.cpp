// SPDX-License-Identifier: Apache-2.0
#include "galena/core/topic_index.hpp"

#include <doctest/doctest.h>

#include <set>

#include "frames.hpp"

namespace galena::core::test {
namespace {

using Index = TopicIndex<const int>;
using Set = std::set<const int*>;

Set found(Index& index, std::string_view topic) {
  const auto& takers = index.find(topic);
  Set set(takers.begin(), takers.end());
  CHECK(set.size() == takers.size());  // each once
  return set;
}

TEST_CASE("a topic finds the takers that name it and those of whose prefixes it has one") {
  Index index;
  const int a = 0;
  const int b = 0;
  const int c = 0;
  const Selection c_wants({{true, "x"}, {false, "y"}});
  index.add(topics({"xa", "xb"}), &a);
  index.add(prefixes({"x", "xa", "z"}), &b);
  index.add(c_wants, &c);
  CHECK(found(index, "xa") == Set{&a, &b, &c});
  CHECK(found(index, "xb") == Set{&a, &b, &c});
  CHECK(found(index, "x") == Set{&b, &c});
  CHECK(found(index, "y") == Set{&c});
  CHECK(found(index, "ya").empty());
  CHECK(found(index, "").empty());
  CHECK(found(index, "zzz") == Set{&b});
}

TEST_CASE("what was found before is not remembered beyond a change of the takers") {
  Index index;
  const int a = 0;
  const int b = 0;
  CHECK(index.empty());
  CHECK(found(index, "t").empty());
  index.add(topics({"t"}), &a);
  CHECK(!index.empty());
  CHECK(found(index, "t") == Set{&a});
  index.add(prefixes({"t"}), &b);
  CHECK(found(index, "t") == Set{&a, &b});
  index.remove(topics({"t"}), &a);
  CHECK(found(index, "t") == Set{&b});
  CHECK(found(index, "tt") == Set{&b});
  index.remove(prefixes({"t"}), &b);
  CHECK(found(index, "t").empty());
  CHECK(found(index, "tt").empty());
  CHECK(index.empty());
}

TEST_CASE("what is remembered of topics is bounded, however many and however long they are") {
  Index index;
  const int a = 0;
  index.add(prefixes({"long"}), &a);
  std::size_t most = 0;
  for (int i = 0; i < 100'000; ++i) {
    found(index, "topic " + std::to_string(i));
    most = std::max(most, index.remembered_bytes());
  }
  for (int i = 0; i < 300; ++i) {
    CHECK(found(index, "long" + std::string(60'000, 'x') + std::to_string(i)) == Set{&a});
    most = std::max(most, index.remembered_bytes());
  }
  CHECK(most <= Index::max_remembered_bytes);
  CHECK(most > Index::max_remembered_bytes / 2);
}

}  // namespace
}  // namespace galena::core::test
