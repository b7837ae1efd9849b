// SPDX-License-Identifier: Apache-2.0
// The reader of MessagePack beside the one of msgpack-cxx: whatever the bytes, they agree.
#include "galena/detail/object_reader.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <map>
#include <string>
#include <vector>

namespace galena::test {
namespace {

/// Equal if the values are, those that are no numbers as well.
std::string packed(const msgpack::object& value) {
  msgpack::sbuffer out;
  msgpack::pack(out, value);
  return {out.data(), out.size()};
}

bool agree(const std::string& bytes) {
  const msgpack::object* const ours = detail::read_object(bytes);
  try {
    std::size_t read = 0;
    // Within limits, or it would ask for as much memory as a few bytes claim to need.
    const std::size_t size = bytes.size();
    const msgpack::unpack_limit limit(size, size, size, size, size, 32);
    const msgpack::object_handle theirs = msgpack::unpack(bytes.data(), size, read, nullptr, nullptr, limit);
    return read == bytes.size() ? ours != nullptr && packed(*ours) == packed(theirs.get()) : ours == nullptr;
  } catch (const std::exception&) {  // cut off, of no known type, or more than there is memory for
    return ours == nullptr;
  }
}

/// Bytes that begin like a value more often than not.
rc::Gen<std::string> any_bytes() {
  const auto head = rc::gen::element<char>('\x93', '\x82', '\xa3', '\xc1', '\xc4', '\xc5', '\xc7', '\xc8', '\xca',
                                           '\xcb', '\xcc', '\xcd', '\xce', '\xcf', '\xd0', '\xd1', '\xd2', '\xd3',
                                           '\xd4', '\xd8', '\xd9', '\xdc', '\xde', '\xe0', '\xff', '\0', '\1', '\2');
  return rc::gen::container<std::string>(rc::gen::oneOf(head, head, rc::gen::arbitrary<char>()));
}

TEST_CASE("any bytes are read as msgpack-cxx reads them, or refused where it refuses them") {
  CHECK(rc::check("bytes", [] { RC_ASSERT(agree(*any_bytes())); }));
}

TEST_CASE("values of every type and width come out as they went in") {
  msgpack::sbuffer out;
  msgpack::packer<msgpack::sbuffer> pack(out);
  pack.pack_array(22);
  for (const std::int64_t number : {0LL, 127LL, 128LL, 65'535LL, 65'536LL, 5'000'000'000LL, -1LL, -32LL, -33LL, -129LL,
                                    -40'000LL, -5'000'000'000LL}) {
    pack.pack(number);
  }
  pack.pack(1.5);
  pack.pack(1.5F);
  pack.pack_nil();
  pack.pack(true);
  pack.pack(std::string(40, 's'));
  pack.pack(std::string(70'000, 'l'));
  pack.pack(std::vector<char>(300, 'b'));
  pack.pack(std::vector<std::vector<int>>{{1, 2}, {}, std::vector<int>(20, 7)});
  pack.pack(std::map<std::string, std::map<int, bool>>{{"a", {{1, true}}}, {"b", {}}});
  pack.pack_ext(3, 5).pack_ext_body("abc", 3);
  CHECK(agree(std::string(out.data(), out.size())));
  for (std::size_t size = 0; size < 60; ++size) CHECK(agree(std::string(out.data(), size)));
}

TEST_CASE("values are nested 32 deep at most, and one that is cut off claims no memory") {
  const std::string deepest = std::string(32, '\x91') + '\1';
  CHECK(detail::read_object(deepest) != nullptr);
  CHECK(detail::read_object('\x91' + deepest) == nullptr);
  std::string all_of_it;  // each claims all that is left
  for (int i = 0; i < 30; ++i) all_of_it += std::string("\xdc\x01\x00", 3);
  CHECK(detail::read_object(all_of_it + std::string(256, '\1')) == nullptr);
  CHECK(detail::read_object(std::string("\xdd\xff\xff\xff\xff\0", 6)) == nullptr);
  CHECK(detail::read_object(std::string("\xdf\x7f\xff\xff\xff\0\0", 7)) == nullptr);
}

}  // namespace
}  // namespace galena::test
