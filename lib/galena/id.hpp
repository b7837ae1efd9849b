// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "galena/export.hpp"

namespace galena {

/// 128 random bits: a stage, a stream, a node, a name service. Zero means "none".
struct GALENA_API Id {
  std::array<std::uint8_t, 16> bytes{};

  friend auto operator<=>(const Id&, const Id&) = default;
  explicit operator bool() const { return *this != Id{}; }

  /// The 16 bytes as they travel.
  std::string_view view() const { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
  /// 32 lower-case hexadecimal digits.
  std::string hex() const;
  /// The first 8 digits: enough for a person to tell two apart.
  std::string brief() const { return hex().substr(0, 8); }

  /// Empty unless `raw` is exactly 16 bytes.
  static std::optional<Id> from_bytes(std::string_view raw);
  /// Empty unless `digits` are what hex() makes.
  static std::optional<Id> from_hex(std::string_view digits);
  /// From the system's random source. Any thread.
  static Id random();
};

/// `size` bytes from the system's random source; aborts if it has none.
GALENA_API void random_bytes(void* out, std::size_t size);

}  // namespace galena

template <>
struct std::hash<galena::Id> {
  std::size_t operator()(const galena::Id& id) const noexcept {
    std::size_t value = 0;
    std::memcpy(&value, id.bytes.data(), sizeof value);
    return value;
  }
};
