// SPDX-License-Identifier: Apache-2.0
#include "json.hpp"

#include <cmath>
#include <cstdint>
#include <iterator>

#include <fmt/format.h>

#include <galena/galena.hpp>
#include <galena/msgpack.hpp>

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

void append_base64_member(std::string& out, std::string_view key, std::string_view bytes) {
  out.append("\"").append(key).append("\":\"").append(base64(bytes)).append("\"");
}

void append_object(std::string& out, const msgpack::object& value);

void append_text(std::string& out, std::string_view text) {
  if (is_utf8(text)) {
    append_json_string(out, text);
  } else {
    out.push_back('{');
    append_base64_member(out, "base64", text);
    out.push_back('}');
  }
}

void append_map(std::string& out, const msgpack::object_map& map) {
  out.push_back('{');
  for (std::uint32_t i = 0; i < map.size; ++i) {
    const auto& [key, value] = map.ptr[i];
    if (i > 0) out.push_back(',');
    std::string text;
    if (key.type == msgpack::type::STR && is_utf8({key.via.str.ptr, key.via.str.size})) {
      text.assign(key.via.str.ptr, key.via.str.size);
    } else {
      append_object(text, key);
    }
    append_json_string(out, text);
    out.push_back(':');
    append_object(out, value);
  }
  out.push_back('}');
}

template <class Float>
void append_float(std::string& out, Float value) {
  if (std::isfinite(value)) {
    fmt::format_to(std::back_inserter(out), "{}", value);
  } else {
    out.append("null");
  }
}

// As deep as the unpacker let the value be.
void append_object(std::string& out, const msgpack::object& value) {
  switch (value.type) {
    case msgpack::type::NIL:
      out.append("null");
      break;
    case msgpack::type::BOOLEAN:
      out.append(value.via.boolean ? "true" : "false");
      break;
    case msgpack::type::POSITIVE_INTEGER:
      fmt::format_to(std::back_inserter(out), "{}", value.via.u64);
      break;
    case msgpack::type::NEGATIVE_INTEGER:
      fmt::format_to(std::back_inserter(out), "{}", value.via.i64);
      break;
    case msgpack::type::FLOAT32:
      append_float(out, static_cast<float>(value.via.f64));
      break;
    case msgpack::type::FLOAT64:
      append_float(out, value.via.f64);
      break;
    case msgpack::type::STR:
      append_text(out, {value.via.str.ptr, value.via.str.size});
      break;
    case msgpack::type::BIN:
      out.push_back('{');
      append_base64_member(out, "base64", {value.via.bin.ptr, value.via.bin.size});
      out.push_back('}');
      break;
    case msgpack::type::EXT:
      fmt::format_to(std::back_inserter(out), "{{\"ext\":{},", value.via.ext.type());
      append_base64_member(out, "base64", {value.via.ext.data(), value.via.ext.size});
      out.push_back('}');
      break;
    case msgpack::type::ARRAY:
      out.push_back('[');
      for (std::uint32_t i = 0; i < value.via.array.size; ++i) {
        if (i > 0) out.push_back(',');
        append_object(out, value.via.array.ptr[i]);
      }
      out.push_back(']');
      break;
    case msgpack::type::MAP:
      append_map(out, value.via.map);
      break;
  }
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

void append_json_string(std::string& out, std::string_view text) {
  out.push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (c == '\n') {
      out.append("\\n");
    } else if (c == '\t') {
      out.append("\\t");
    } else if (static_cast<unsigned char>(c) < 0x20) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

void append_json_member(std::string& out, std::string_view key, std::string_view bytes) {
  if (is_utf8(bytes)) {
    append_json_string(out, key);
    out.push_back(':');
    append_json_string(out, bytes);
  } else {
    append_base64_member(out, std::string(key) + "_base64", bytes);
  }
}

bool append_json_msgpack(std::string& out, std::string_view payload) {
  const msgpack::object* const value = detail::read_object(payload);
  if (value == nullptr) return false;
  append_object(out, *value);
  return true;
}

}  // namespace galena::cli
