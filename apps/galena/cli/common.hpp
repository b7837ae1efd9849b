// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <galena/galena.hpp>

namespace galena::cli {

/// What every command takes.
struct CommonOptions {
  std::string domain = {};              ///< empty: GALENA_DOMAIN, or "default"
  std::vector<std::string> names = {};  ///< empty: GALENA_NAMES, or none
  std::string interface = {};
  int verbosity = 0;  ///< how many -v
};

/// Writes to stderr, at the level that -v (info), -vv (debug) or GALENA_LOG say, whichever tells more. Throws
/// UsageError if GALENA_LOG is not a level.
Logger make_logger(const CommonOptions& options);
NodeOptions node_options(const CommonOptions& options);

/// The domain's name, for messages.
std::string domain_of(const CommonOptions& options);

/// A sentence for people, on stderr. Any thread.
void say(const std::string& text);

/// The parts with `between` between them.
template <class Parts>
std::string joined(const Parts& parts, std::string_view between) {
  std::string text;
  for (const std::string& part : parts) {
    if (!text.empty()) text.append(between);
    text.append(part);
  }
  return text;
}

/// What others see of a consumer that has no name of its own: "sub, process 4711 on host".
std::string process_name(const std::string& command);

/// "1 event", "2 events".
std::string counted(std::uint64_t count, const std::string& noun);

}  // namespace galena::cli
