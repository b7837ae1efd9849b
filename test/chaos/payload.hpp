// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace chaos {

/// The check sum of zlib, gzip and Python's zlib.crc32().
inline std::uint32_t crc32(std::string_view bytes) {
  static const std::array<std::uint32_t, 256> table = [] {
    std::array<std::uint32_t, 256> made{};
    for (std::uint32_t i = 0; i < made.size(); ++i) {
      std::uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) value = (value & 1U) != 0 ? 0xEDB88320U ^ (value >> 1U) : value >> 1U;
      made[i] = value;
    }
    return made;
  }();
  std::uint32_t sum = ~0U;
  for (const char byte : bytes) sum = table[(sum ^ static_cast<unsigned char>(byte)) & 0xFFU] ^ (sum >> 8U);
  return ~sum;
}

/// "PRODUCER POSITION FILLER HASH": the hash is of all before it, and the filler has up to `most` letters, so that
/// events differ in length.
inline std::string payload(const std::string& producer, std::uint64_t position, std::uint64_t most) {
  const std::uint64_t mixed = (position + 1) * 0x9E3779B97F4A7C15U;
  const std::string filler(1 + (mixed >> 32U) % (most + 1), static_cast<char>('a' + (mixed >> 24U) % 26));
  const std::string text = fmt::format("{} {} {} ", producer, position, filler);
  return fmt::format("{}{:08x}", text, crc32(text));
}

}  // namespace chaos
