// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/common.hpp"
#include "io/event_text.hpp"

namespace galena::cli {

struct SubOptions {
  CommonOptions common = {};
  std::vector<std::string> producers = {};
  std::vector<Topic> topics = {};  ///< none: everything
  EventStyle style = {};
  std::optional<std::uint64_t> count = {};
  std::optional<Duration> timeout = {};
  Duration patience = std::chrono::hours(1);  ///< with whoever reads the output
  std::uint64_t largest_event = 64 << 20;
  bool stats = false;
  std::string identity = {};
  std::string positions = {};  ///< a file; empty: the producers alone know how far it has come
};

/// `galena sub`: prints events.
int run_sub(const SubOptions& options);

}  // namespace galena::cli
