// SPDX-License-Identifier: Apache-2.0
#include "galena/base/pack.hpp"

namespace galena {
namespace {

std::uint64_t big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (char byte : bytes) value = value << 8 | static_cast<std::uint8_t>(byte);
  return value;
}

}  // namespace

void PackWriter::head(std::uint8_t code, std::uint64_t value, int width) {
  out_.push_back(static_cast<char>(code));
  for (int shift = (width - 1) * 8; shift >= 0; shift -= 8) out_.push_back(static_cast<char>(value >> shift));
}

PackWriter& PackWriter::array(std::uint32_t size) {
  if (size < 16) {
    head(static_cast<std::uint8_t>(0x90 | size), 0, 0);
  } else if (size < 0x10000) {
    head(0xdc, size, 2);
  } else {
    head(0xdd, size, 4);
  }
  return *this;
}

PackWriter& PackWriter::map(std::uint32_t size) {
  if (size < 16) {
    head(static_cast<std::uint8_t>(0x80 | size), 0, 0);
  } else if (size < 0x10000) {
    head(0xde, size, 2);
  } else {
    head(0xdf, size, 4);
  }
  return *this;
}

PackWriter& PackWriter::uint(std::uint64_t value) {
  if (value < 0x80) {
    head(static_cast<std::uint8_t>(value), 0, 0);
  } else if (value < 0x100) {
    head(0xcc, value, 1);
  } else if (value < 0x10000) {
    head(0xcd, value, 2);
  } else if (value < 0x100000000) {
    head(0xce, value, 4);
  } else {
    head(0xcf, value, 8);
  }
  return *this;
}

PackWriter& PackWriter::str(std::string_view text) {
  if (text.size() < 32) {
    head(static_cast<std::uint8_t>(0xa0 | text.size()), 0, 0);
  } else if (text.size() < 0x100) {
    head(0xd9, text.size(), 1);
  } else if (text.size() < 0x10000) {
    head(0xda, text.size(), 2);
  } else {
    head(0xdb, text.size(), 4);
  }
  out_.append(text);
  return *this;
}

PackWriter& PackWriter::bin(std::string_view bytes) {
  if (bytes.size() < 0x100) {
    head(0xc4, bytes.size(), 1);
  } else if (bytes.size() < 0x10000) {
    head(0xc5, bytes.size(), 2);
  } else {
    head(0xc6, bytes.size(), 4);
  }
  out_.append(bytes);
  return *this;
}

PackWriter& PackWriter::boolean(bool value) {
  head(value ? 0xc3 : 0xc2, 0, 0);
  return *this;
}

PackWriter& PackWriter::nil() {
  head(0xc0, 0, 0);
  return *this;
}

/// The `width` bytes after `code`, if that is what comes next. Consumes nothing.
std::optional<std::uint64_t> PackReader::sized(std::uint8_t code, int width) {
  const auto size = static_cast<std::size_t>(width);
  if (rest_.size() < 1 + size || static_cast<std::uint8_t>(rest_[0]) != code) return std::nullopt;
  return big_endian(rest_.substr(1, size));
}

std::optional<std::string_view> PackReader::body(std::uint64_t size, std::string_view after_head) {
  if (after_head.size() < size) return std::nullopt;
  rest_ = after_head.substr(size);
  return after_head.substr(0, size);
}

std::optional<std::uint32_t> PackReader::array() {
  std::optional<std::uint64_t> size;
  int width = 0;
  if (!rest_.empty() && (rest_[0] & 0xf0) == 0x90) {
    size = static_cast<std::uint8_t>(rest_[0]) & 15;
  } else if ((size = sized(0xdc, 2))) {
    width = 2;
  } else if ((size = sized(0xdd, 4))) {
    width = 4;
  } else {
    return std::nullopt;
  }
  rest_.remove_prefix(1 + static_cast<std::size_t>(width));
  return static_cast<std::uint32_t>(*size);
}

std::optional<std::uint32_t> PackReader::map() {
  std::optional<std::uint64_t> size;
  int width = 0;
  if (!rest_.empty() && (rest_[0] & 0xf0) == 0x80) {
    size = static_cast<std::uint8_t>(rest_[0]) & 15;
  } else if ((size = sized(0xde, 2))) {
    width = 2;
  } else if ((size = sized(0xdf, 4))) {
    width = 4;
  } else {
    return std::nullopt;
  }
  rest_.remove_prefix(1 + static_cast<std::size_t>(width));
  return static_cast<std::uint32_t>(*size);
}

std::optional<std::uint64_t> PackReader::uint() {
  if (rest_.empty()) return std::nullopt;
  const auto code = static_cast<std::uint8_t>(rest_[0]);
  if (code < 0x80) {
    rest_.remove_prefix(1);
    return code;
  }
  if (code < 0xcc || code > 0xcf) return std::nullopt;
  const int width = 1 << (code - 0xcc);
  const auto value = sized(code, width);
  if (value) rest_.remove_prefix(1 + static_cast<std::size_t>(width));
  return value;
}

std::optional<std::string_view> PackReader::str() {
  if (!rest_.empty() && (rest_[0] & 0xe0) == 0xa0) {
    return body(static_cast<std::uint8_t>(rest_[0]) & 31, rest_.substr(1));
  }
  if (auto size = sized(0xd9, 1)) return body(*size, rest_.substr(2));
  if (auto size = sized(0xda, 2)) return body(*size, rest_.substr(3));
  if (auto size = sized(0xdb, 4)) return body(*size, rest_.substr(5));
  return std::nullopt;
}

std::optional<std::string_view> PackReader::bin() {
  if (auto size = sized(0xc4, 1)) return body(*size, rest_.substr(2));
  if (auto size = sized(0xc5, 2)) return body(*size, rest_.substr(3));
  if (auto size = sized(0xc6, 4)) return body(*size, rest_.substr(5));
  return std::nullopt;
}

std::optional<std::string_view> PackReader::text() {
  if (auto value = str()) return value;
  return bin();
}

std::optional<PackReader::Ext> PackReader::ext() {
  if (rest_.empty()) return std::nullopt;
  const auto code = static_cast<std::uint8_t>(rest_[0]);
  std::uint64_t size = 0;
  std::size_t head = 2;  // code and type, before what the size takes
  if (code >= 0xd4 && code <= 0xd8) {
    size = std::uint64_t{1} << (code - 0xd4);
  } else if (code >= 0xc7 && code <= 0xc9) {
    const int width = 1 << (code - 0xc7);
    const auto told = sized(code, width);
    if (!told) return std::nullopt;
    size = *told;
    head += static_cast<std::size_t>(width);
  } else {
    return std::nullopt;
  }
  if (rest_.size() < head) return std::nullopt;
  const auto type = static_cast<std::uint8_t>(rest_[head - 1]);
  const auto bytes = body(size, rest_.substr(head));
  if (!bytes) return std::nullopt;
  return Ext{type, *bytes};
}

std::optional<Id> PackReader::id() {
  const std::string_view before = rest_;
  if (auto raw = bin()) {
    if (auto id = Id::from_bytes(*raw)) return id;
  }
  rest_ = before;
  return std::nullopt;
}

std::optional<bool> PackReader::boolean() {
  if (rest_.empty()) return std::nullopt;
  const auto code = static_cast<std::uint8_t>(rest_[0]);
  if (code != 0xc2 && code != 0xc3) return std::nullopt;
  rest_.remove_prefix(1);
  return code == 0xc3;
}

bool PackReader::nil() {
  if (rest_.empty() || static_cast<std::uint8_t>(rest_[0]) != 0xc0) return false;
  rest_.remove_prefix(1);
  return true;
}

bool PackReader::skip(int depth) {
  if (depth < 0 || rest_.empty()) return false;
  const std::string_view before = rest_;
  const auto code = static_cast<std::uint8_t>(rest_[0]);
  const auto fail = [&] {
    rest_ = before;
    return false;
  };
  const auto bytes = [&](std::size_t size) {
    if (rest_.size() < size) return fail();
    rest_.remove_prefix(size);
    return true;
  };

  if (code < 0x80 || code >= 0xe0 || code == 0xc0 || code == 0xc2 || code == 0xc3) return bytes(1);
  if (text() || ext()) return true;
  if (code >= 0xca && code <= 0xd3) {  // float 32, float 64, uint 8-64, int 8-64
    static constexpr std::size_t widths[] = {4, 8, 1, 2, 4, 8, 1, 2, 4, 8};
    return bytes(1 + widths[code - 0xca]);
  }
  std::uint64_t items = 0;
  if (auto size = array()) {
    items = *size;
  } else if (auto pairs = map()) {
    items = std::uint64_t{2} * *pairs;
  } else {
    return fail();
  }
  for (; items > 0; --items) {
    if (!skip(depth - 1)) return fail();
  }
  return true;
}

}  // namespace galena
