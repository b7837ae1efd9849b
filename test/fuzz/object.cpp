// SPDX-License-Identifier: Apache-2.0
// MessagePack values of users: what the library's reader takes, msgpack-cxx takes, and their JSON is well-formed, not
// much longer than they are, and reads as itself.
#include <cstdint>

#include <nlohmann/json.hpp>

#include "claim.hpp"
#include "galena/detail/object_reader.hpp"
#include "io/json.hpp"
#include "target.hpp"

namespace galena::fuzz {
namespace {

/// What msgpack-cxx itself says of the bytes: one value, and all of them, with the same limits.
bool is_value(std::string_view bytes) {
  const auto refers = [](msgpack::type::object_type, std::size_t, void*) { return true; };
  // It counts the value itself as a level, and reads ahead for as many items as are announced.
  const msgpack::unpack_limit limits(bytes.size(), bytes.size(), bytes.size(), bytes.size(), bytes.size(),
                                     detail::max_msgpack_depth + 1);
  std::size_t end = 0;
  try {
    msgpack::unpack(bytes.data(), bytes.size(), end, refers, nullptr, limits);
    return end == bytes.size();
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace

void run(std::string_view bytes) {
  const msgpack::object* const value = detail::read_object(bytes);
  if (value == nullptr) return;
  claim(is_value(bytes), "what the library reads is a value to msgpack-cxx");
  msgpack::sbuffer packed;
  msgpack::pack(packed, *value);
  claim(detail::read_object({packed.data(), packed.size()}) != nullptr, "what msgpack-cxx packs is a value");

  const auto json = cli::json_of_msgpack(bytes);
  claim(json.has_value(), "what is a value has JSON");
  const std::string text = json->dump();
  claim(text.size() <= 40 * bytes.size() + 40, "JSON is linear in the value");
  const auto parsed = cli::parse_json(text);
  claim(parsed && parsed->dump() == text, "JSON that was written is read as the same");
  std::string again;
  cli::append_msgpack(again, *parsed);
  const auto twice = cli::json_of_msgpack(again);
  if (twice) claim(twice->dump() == text, "a value made of JSON has the same JSON");
}

}  // namespace galena::fuzz
