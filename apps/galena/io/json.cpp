// SPDX-License-Identifier: Apache-2.0
#include "io/json.hpp"

#include <charconv>
#include <cmath>
#include <cstdint>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <galena/galena.hpp>

namespace galena::cli {

namespace {

/// How many bytes the character at the start has; 0 if it is ill-formed (Unicode's table 3-7).
std::size_t utf8_length(std::string_view text) {
  const auto at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto follows = [&](std::size_t i) { return (at(i) & 0xC0U) == 0x80U; };
  const unsigned first = at(0);
  const unsigned second = at(1);
  if (first < 0x80) return 1;
  if (first < 0xC2 || first > 0xF4 || !follows(1)) return 0;
  if (first < 0xE0) return 2;
  if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) || !follows(2)) return 0;
  if (first < 0xF0) return 3;
  if ((first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F) || !follows(3)) return 0;
  return 4;
}

/// The double that is written with the same digits as this float.
double with_the_digits_of(float value) {
  const std::string digits = fmt::format("{}", value);
  double result = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), result);
  return result;
}

// As deep as the library's reader let the value be.
Json json_of(const msgpack::object& value) {
  switch (value.type) {
    case msgpack::type::NIL:
      return nullptr;
    case msgpack::type::BOOLEAN:
      return value.via.boolean;
    case msgpack::type::POSITIVE_INTEGER:
      return value.via.u64;
    case msgpack::type::NEGATIVE_INTEGER:
      return value.via.i64;
    case msgpack::type::FLOAT32:
      return std::isfinite(value.via.f64) ? Json(with_the_digits_of(static_cast<float>(value.via.f64))) : Json();
    case msgpack::type::FLOAT64:
      return value.via.f64;  // infinities and NaN are written as null
    case msgpack::type::STR: {
      const std::string_view text(value.via.str.ptr, value.via.str.size);
      return is_utf8(text) ? Json(text) : Json{{"base64", base64(text)}};
    }
    case msgpack::type::BIN:
      return {{"base64", base64({value.via.bin.ptr, value.via.bin.size})}};
    case msgpack::type::EXT:
      return {{"ext", value.via.ext.type()}, {"base64", base64({value.via.ext.data(), value.via.ext.size})}};
    case msgpack::type::ARRAY: {
      Json list = Json::array();
      for (const msgpack::object& item : value.via.array) list.push_back(json_of(item));
      return list;
    }
    case msgpack::type::MAP: {
      Json object = Json::object();
      for (const auto& [key, item] : value.via.map) {
        Json name = json_of(key);
        // Straight to the end: a key that MessagePack has twice stays there twice, and none is looked for.
        object.get_ref<Json::object_t&>().emplace_back(name.is_string() ? name.get<std::string>() : name.dump(),
                                                       json_of(item));
      }
      return object;
    }
  }
  return nullptr;
}

}  // namespace

bool is_utf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t length = utf8_length(bytes);
    if (length == 0) return false;
    bytes.remove_prefix(length);
  }
  return true;
}

std::string base64(std::string_view bytes) {
  static constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](std::size_t k) {
      return i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U;
    };
    const unsigned group = byte(0) << 16U | byte(1) << 8U | byte(2);
    out.push_back(digits[group >> 18U]);
    out.push_back(digits[group >> 12U & 63U]);
    out.push_back(i + 1 < bytes.size() ? digits[group >> 6U & 63U] : '=');
    out.push_back(i + 2 < bytes.size() ? digits[group & 63U] : '=');
  }
  return out;
}

void add_bytes(Json& object, const std::string& key, std::string_view bytes) {
  if (is_utf8(bytes)) {
    object[key] = bytes;
  } else {
    object[key + "_base64"] = base64(bytes);
  }
}

std::optional<Json> json_of_msgpack(std::string_view payload) {
  const msgpack::object* const value = detail::read_object(payload);
  if (value == nullptr) return std::nullopt;
  return json_of(*value);
}

}  // namespace galena::cli
