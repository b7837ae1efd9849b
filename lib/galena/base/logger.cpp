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

void Logger::write_to_stderr(LogLevel level, std::string_view text) {
  // One call, so that lines of several threads and processes stay whole.
  std::string line = "galena: ";
  line.append(to_string(level)).append(": ").append(text).push_back('\n');
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace galena
