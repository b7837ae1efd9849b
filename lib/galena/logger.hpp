// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "galena/export.hpp"

namespace galena {

enum class LogLevel { debug, info, warning, error, off };

/// "debug", "info", ... for LogLevel.
GALENA_API std::string_view to_string(LogLevel level);

/// Where a Node and its stages say what they do. The sink is called from any thread, one line at a time, without a
/// newline; it must be thread-safe and must not call back into the library. What it throws is ignored. The default
/// writes warnings to stderr, with control characters (which may be a peer's) as \xNN.
struct GALENA_API Logger {
  using Sink = std::function<void(LogLevel, std::string_view)>;

  LogLevel level = LogLevel::warning;
  Sink sink = write_to_stderr;

  bool wants(LogLevel at) const { return at >= level && sink; }
  void debug(const std::string& text) const { write(LogLevel::debug, text); }
  void info(const std::string& text) const { write(LogLevel::info, text); }
  void warning(const std::string& text) const { write(LogLevel::warning, text); }
  void error(const std::string& text) const { write(LogLevel::error, text); }

  static void write_to_stderr(LogLevel level, std::string_view text);

 private:
  void write(LogLevel at, const std::string& text) const {
    try {
      if (wants(at)) sink(at, text);
    } catch (...) {  // there is nobody to tell
    }
  }
};

}  // namespace galena
