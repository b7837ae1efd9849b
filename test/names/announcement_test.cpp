// SPDX-License-Identifier: Apache-2.0
#include "galena/names/announcement.hpp"

#include <doctest/doctest.h>

#include "galena/base/pack.hpp"
#include "names/service_bench.hpp"

namespace galena::names {
namespace {

const Announcement sample{"domain", id_of(7), 12, true, 40123};

TEST_CASE("an announcement comes back as it was sent, and fits any network") {
  CHECK(decode_announcement(encode(sample)) == sample);
  const Announcement question{"domain", {}, 0, false, 0};
  CHECK(decode_announcement(encode(question)) == question);
  CHECK(question.asks());
  CHECK(encode(Announcement{std::string(64, 'd'), id_of(7), 1ull << 40, true, 65535}).size() < 256);
}

TEST_CASE("items of later versions are ignored") {
  std::string bytes = encode(sample);
  bytes[0] = static_cast<char>(0x98);
  CHECK(decode_announcement(bytes + PackWriter().str("more").bytes()) == sample);
}

TEST_CASE("a datagram that is cut, of others, or senseless is none") {
  const std::string bytes = encode(sample);
  for (std::size_t size = 0; size < bytes.size(); ++size) CHECK_FALSE(decode_announcement(bytes.substr(0, size)));
  CHECK_FALSE(decode_announcement("ZRE\x01"));
  const auto with = [](std::string_view magic, std::uint64_t version, std::uint64_t term, std::uint64_t port) {
    return PackWriter()
        .array(7)
        .str(magic)
        .uint(version)
        .str("domain")
        .id(id_of(7))
        .uint(term)
        .boolean(true)
        .uint(port)
        .take();
  };
  CHECK(decode_announcement(with("galena-names", 1, 12, 40123)) == sample);
  CHECK_FALSE(decode_announcement(with("galena-other", 1, 12, 40123)));
  CHECK_FALSE(decode_announcement(with("galena-names", 2, 12, 40123)));
  CHECK_FALSE(decode_announcement(with("galena-names", 1, UINT64_MAX, 40123)));
  CHECK_FALSE(decode_announcement(with("galena-names", 1, 12, 65536)));
  CHECK_FALSE(decode_announcement(with("galena-names", 1, 12, 0)));
  CHECK_FALSE(decode_announcement(encode(Announcement{std::string(65, 'd'), id_of(7), 1, true, 1})));
}

}  // namespace
}  // namespace galena::names
