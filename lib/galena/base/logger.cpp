// SPDX-License-Identifier: Apache-2.0
#include "galena/logger.hpp"

#include <cstdio>

namespace galena {

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

namespace {

/// Terminals obey control characters: C0, DEL, and C1, which UTF-8 writes in two bytes.
void append_printable(std::string& line, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0U;
    const bool is_c1 = byte == 0xc2 && next >= 0x80 && next < 0xa0;
    if (byte < 0x20 || byte == 0x7f || is_c1) {
      line.append("\\x").append({digits[byte >> 4], digits[byte & 15]});
    } else {
      line.push_back(text[i]);
    }
  }
}

}  // namespace

void Logger::write_to_stderr(LogLevel level, std::string_view text) {
  // One call, so that lines of several threads and processes stay whole.
  std::string line = "galena: ";
  line.append(to_string(level)).append(": ");
  append_printable(line, text);
  line.push_back('\n');
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace galena
