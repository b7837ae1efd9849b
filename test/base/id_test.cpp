// SPDX-License-Identifier: Apache-2.0
#include "galena/id.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <unordered_set>

namespace galena {
namespace {

TEST_CASE("an id that nobody drew is none") {
  CHECK_FALSE(Id{});
  CHECK(Id{} == Id{});
}

TEST_CASE("two random ids differ and are not none") {
  std::set<Id> drawn;
  for (int i = 0; i < 1000; ++i) {
    const Id id = Id::random();
    CHECK(id);
    drawn.insert(id);
  }
  CHECK(drawn.size() == 1000);
}

TEST_CASE("an id survives its bytes") {
  const Id id = Id::random();
  CHECK(id.view().size() == 16);
  CHECK(Id::from_bytes(id.view()) == id);
}

TEST_CASE("only exactly 16 bytes are an id") {
  for (std::size_t size = 0; size < 40; ++size) {
    CHECK(Id::from_bytes(std::string(size, 'x')).has_value() == (size == 16));
  }
}

TEST_CASE("an id prints as 32 lower-case digits, briefly as the first 8") {
  const auto id =
      Id::from_bytes(std::string_view("\x00\x01\x7f\x80\xab\xcd\xef\xff\x10\x11\x12\x13\x14\x15\x16\x17", 16));
  REQUIRE(id);
  CHECK(id->hex() == "00017f80abcdefff1011121314151617");
  CHECK(id->brief() == "00017f80");
}

TEST_CASE("ids order by their bytes and hash apart") {
  const auto low = *Id::from_bytes(std::string(15, '\0') + '\1');
  const auto high = *Id::from_bytes('\1' + std::string(15, '\0'));
  CHECK(low < high);
  std::unordered_set<Id> ids{low, high, low};
  CHECK(ids.size() == 2);
}

TEST_CASE("random bytes fill all of a long buffer") {
  // Longer than what getrandom() hands out in one go without being asked again.
  std::string buffer(1 << 16, '\0');
  random_bytes(buffer.data(), buffer.size());
  CHECK(buffer.substr(buffer.size() - 32) != std::string(32, '\0'));
  CHECK(buffer.find(std::string(32, '\0')) == std::string::npos);
}

}  // namespace
}  // namespace galena
