// SPDX-License-Identifier: Apache-2.0
#include "cli/common.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <unistd.h>

#include "cli/escape.hpp"
#include "cli/exit_code.hpp"

namespace galena::cli {

Logger make_logger(const CommonOptions& options) {
  Logger logger;
  const char* variable = std::getenv("GALENA_LOG");
  if (const std::string_view wanted = variable != nullptr ? variable : ""; !wanted.empty()) {
    bool known = false;
    for (LogLevel level : {LogLevel::debug, LogLevel::info, LogLevel::warning, LogLevel::error, LogLevel::off}) {
      if (to_string(level) != wanted) continue;
      logger.level = level;
      known = true;
    }
    if (!known) {
      throw UsageError("GALENA_LOG is '" + std::string(wanted) + "'; it may be debug, info, warning, error or off");
    }
  }
  if (options.verbosity == 1 && logger.level > LogLevel::info) logger.level = LogLevel::info;
  if (options.verbosity > 1) logger.level = LogLevel::debug;
  return logger;
}

NodeOptions node_options(const CommonOptions& options) {
  return {
      .domain = options.domain, .names = options.names, .interface = options.interface, .logger = make_logger(options)};
}

std::string domain_of(const CommonOptions& options) {
  if (!options.domain.empty()) return options.domain;
  const char* variable = std::getenv("GALENA_DOMAIN");
  return variable != nullptr && *variable != '\0' ? variable : "default";
}

void say(const std::string& text) {
  // One call, so that lines of several threads and processes stay whole.
  const std::string line = "galena: " + printable(text) + "\n";
  std::fwrite(line.data(), 1, line.size(), stderr);
}

std::string process_name(const std::string& command) {
  std::array<char, 256> host{};
  const bool has_host = ::gethostname(host.data(), host.size() - 1) == 0;
  return command + ", process " + std::to_string(::getpid()) + (has_host ? std::string(" on ") + host.data() : "");
}

std::string counted(std::uint64_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

}  // namespace galena::cli
