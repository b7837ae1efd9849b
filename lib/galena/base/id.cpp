// SPDX-License-Identifier: Apache-2.0
#include "galena/base/id.hpp"

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
