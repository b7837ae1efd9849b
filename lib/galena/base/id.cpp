// SPDX-License-Identifier: Apache-2.0
#include "galena/id.hpp"

#include <charconv>

#include <sys/random.h>

#include "galena/base/assert.hpp"

namespace galena {

std::string Id::hex() const {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (std::uint8_t byte : bytes) {
    text.push_back(digits[byte >> 4]);
    text.push_back(digits[byte & 15]);
  }
  return text;
}

std::optional<Id> Id::from_bytes(std::string_view raw) {
  Id id;
  if (raw.size() != id.bytes.size()) return std::nullopt;
  std::memcpy(id.bytes.data(), raw.data(), raw.size());
  return id;
}

std::optional<Id> Id::from_hex(std::string_view digits) {
  Id id;
  if (digits.size() != 2 * id.bytes.size()) return std::nullopt;
  for (std::size_t i = 0; i < id.bytes.size(); ++i) {
    const char* const first = digits.data() + 2 * i;
    const auto read = std::from_chars(first, first + 2, id.bytes[i], 16);
    if (read.ec != std::errc() || read.ptr != first + 2) return std::nullopt;
  }
  return id;
}

Id Id::random() {
  Id id;
  random_bytes(id.bytes.data(), id.bytes.size());
  return id;
}

void random_bytes(void* out, std::size_t size) {
  auto* at = static_cast<char*>(out);
  while (size > 0) {
    const ssize_t got = getrandom(at, size, 0);
    if (got < 0) {
      GALENA_ASSERT(errno == EINTR, std::string("getrandom: ") + std::strerror(errno));
      continue;
    }
    at += got;
    size -= static_cast<std::size_t>(got);
  }
}

}  // namespace galena
