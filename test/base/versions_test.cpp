// SPDX-License-Identifier: Apache-2.0
#include "galena/base/versions.hpp"

#include <doctest/doctest.h>

namespace galena {
namespace {

TEST_CASE("two sides agree on the newest version that both speak, if there is one") {
  CHECK(Versions{1, 1}.common({1, 1}) == 1U);
  CHECK(Versions{1, 1}.common({1, 3}) == 1U);
  CHECK(Versions{2, 5}.common({1, 3}) == 3U);
  CHECK_FALSE(Versions{1, 1}.common({2, 3}));
  CHECK_FALSE(Versions{4, 5}.common({1, 3}));
  CHECK_FALSE(Versions{1, 1}.common({3, 0}));  // nonsense from a peer
}

TEST_CASE("a refusal names the versions of both sides") {
  CHECK(Versions{1, 1}.refuse({2, 2}) == "this is version 1, not 2");
  CHECK(Versions{1, 2}.refuse({3, 5}) == "this is version 1 to 2, not 3 to 5");
}

}  // namespace
}  // namespace galena
