// SPDX-License-Identifier: Apache-2.0
#include "io/json.hpp"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <galena/msgpack.hpp>

namespace galena::cli {

namespace {

/// The double that is written with the same digits as this float.
double with_the_digits_of(float value) {
  const std::string digits = fmt::format("{}", value);
  double result = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), result);
  return result;
}

/// Straight to the end: a key that is there twice stays there twice, and none is looked for.
Json& append_member(Json& object, std::string key, Json value) {
  return object.get_ref<Json::object_t&>().emplace_back(std::move(key), std::move(value)).second;
}

Json json_of(const msgpack::object& value);

std::string key_of(const msgpack::object& key) {
  if (key.type == msgpack::type::ARRAY || key.type == msgpack::type::MAP) {
    // As JSON within a text it would be escaped, and once more at each level.
    msgpack::sbuffer bytes;
    msgpack::pack(bytes, key);
    return Json{{"base64", base64({bytes.data(), bytes.size()})}}.dump();
  }
  const Json name = json_of(key);
  return name.is_string() ? name.get<std::string>() : name.dump();
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
      return std::isfinite(value.via.f64) ? Json(value.via.f64) : Json();
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
        append_member(object, key_of(key), json_of(item));
      }
      return object;
    }
  }
  return nullptr;
}

/// Builds the value while nlohmann's parser reads it. (Its own builder looks for every key among those before it.)
class Builder : public Json::json_sax_t {
 public:
  Json take() { return std::move(root_); }

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& text) override {
    key_ = std::move(text);
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

 private:
  Json* append(Json value) {
    if (path_.empty()) return &(root_ = std::move(value));
    Json& parent = *path_.back();
    if (parent.is_object()) return &append_member(parent, std::move(key_), std::move(value));
    parent.push_back(std::move(value));
    return &parent.back();
  }
  bool add(Json value) { return append(std::move(value)) != nullptr; }
  bool open(Json container) {
    if (path_.size() == max_json_depth) return false;
    path_.push_back(append(std::move(container)));
    return true;
  }
  bool close() {
    path_.pop_back();
    return true;
  }

  Json root_;
  std::vector<Json*> path_;  // what is open; it stays where it is until it is closed
  std::string key_;
};

struct Text {
  std::string& out;
  void write(const char* bytes, std::size_t size) { out.append(bytes, size); }
};

/// As float 64, whatever its value: msgpack-cxx would make an integer of a whole number, and 2.0 come out as 2.
void pack_double(Text& out, double value) {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  char bytes[9] = {static_cast<char>(0xcb)};
  for (int i = 0; i < 8; ++i) bytes[1 + i] = static_cast<char>(bits >> (56 - 8 * i));
  out.write(bytes, sizeof bytes);
}

void pack(Text& out, const Json& value) {
  msgpack::packer<Text> to(out);
  switch (value.type()) {
    case Json::value_t::boolean:
      value.get<bool>() ? to.pack_true() : to.pack_false();
      return;
    case Json::value_t::number_integer:
      to.pack(value.get<std::int64_t>());
      return;
    case Json::value_t::number_unsigned:
      to.pack(value.get<std::uint64_t>());
      return;
    case Json::value_t::number_float:
      pack_double(out, value.get<double>());
      return;
    case Json::value_t::string:
      to.pack(value.get_ref<const std::string&>());
      return;
    case Json::value_t::array:
      to.pack_array(static_cast<std::uint32_t>(value.size()));
      for (const Json& item : value) pack(out, item);
      return;
    case Json::value_t::object:
      to.pack_map(static_cast<std::uint32_t>(value.size()));
      for (const auto& [key, item] : value.get_ref<const Json::object_t&>()) {
        to.pack(key);
        pack(out, item);
      }
      return;
    case Json::value_t::null:
    case Json::value_t::binary:
    case Json::value_t::discarded:
      to.pack_nil();
      return;
  }
}

}  // namespace

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

std::optional<std::string> from_base64(std::string_view text) {
  const auto value = [](char digit) -> unsigned {
    if (digit >= 'A' && digit <= 'Z') return static_cast<unsigned>(digit - 'A');
    if (digit >= 'a' && digit <= 'z') return static_cast<unsigned>(digit - 'a') + 26;
    if (digit >= '0' && digit <= '9') return static_cast<unsigned>(digit - '0') + 52;
    return digit == '+' ? 62 : digit == '/' ? 63 : 64;
  };
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  if (text.size() % 4 != 0) return std::nullopt;
  std::string out;
  unsigned group = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const unsigned digit = i + padding < text.size() ? value(text[i]) : 0;
    if (digit > 63) return std::nullopt;
    group = group << 6U | digit;
    if (i % 4 != 3) continue;
    for (const unsigned shift : {16U, 8U, 0U}) out.push_back(static_cast<char>(group >> shift & 255U));
    group = 0;
  }
  out.resize(out.size() - padding);
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

std::optional<Json> parse_json(std::string_view text) {
  Builder builder;
  if (!Json::sax_parse(text.begin(), text.end(), &builder)) return std::nullopt;
  return builder.take();
}

void append_msgpack(std::string& out, const Json& value) {
  Text text{out};
  pack(text, value);
}

}  // namespace galena::cli
