// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/common.hpp"
#include "commands/holding.hpp"
#include "io/event_text.hpp"

namespace galena::cli {

struct PubOptions {
  CommonOptions common = {};
  std::string name = {};
  std::optional<std::string> topic = {};          ///< empty: each line has its own
  EventFormat format = EventFormat::text;         ///< of the lines
  std::string delimiter = "\n";                   ///< between lines
  bool now = false;                               ///< does not wait for subscribers to start
  std::optional<std::uint32_t> subscribers = {};  ///< starts when there are so many
  std::optional<std::uint64_t> count = {};        ///< stops after so many lines
  std::optional<double> rate = {};                ///< events per second
  std::optional<Duration> timeout = {};           ///< for all of it
  std::optional<Duration> wait = {};              ///< for each wait for subscribers
  HoldingOptions holding = {};
  bool stats = false;
};

/// `galena pub`: lines of stdin become events.
int run_pub(const PubOptions& options);

}  // namespace galena::cli
