// SPDX-License-Identifier: Apache-2.0
#include "galena/logger.hpp"

#include <cstdio>

namespace galena {

namespace {

/// Names and reasons come from peers, and a terminal obeys control characters: these are written \xHH. In UTF-8, those
/// from 0x80 on are two bytes.
std::string visible(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  bool is_second = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const auto next = at + 1 < text.size() ? static_cast<unsigned char>(text[at + 1]) : 0U;
    const bool is_first = byte == 0xc2 && next >= 0x80 && next < 0xa0;
    if (byte < 0x20 || byte == 0x7f || is_first || is_second) {
      out.append("\\x").append(1, digits[byte >> 4U]).append(1, digits[byte & 15U]);
    } else {
      out.push_back(text[at]);
    }
    is_second = is_first;
  }
  return out;
}

}  // namespace

std::string_view to_string(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warning:
      return "warning";
    case LogLevel::error:
      return "error";
    case LogLevel::off:
      break;
  }
  return "off";
}

void Logger::write_to_stderr(LogLevel level, std::string_view text) {
  // One call, so that lines of several threads and processes stay whole.
  std::string line = "galena: ";
  line.append(to_string(level)).append(": ").append(visible(text)).push_back('\n');
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace galena
