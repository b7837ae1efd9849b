// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/common.hpp"

namespace galena::cli {

struct SubOptions {
  enum class Format : std::uint8_t { text, raw, json };

  CommonOptions common = {};
  std::vector<std::string> producers = {};
  std::vector<Topic> topics = {};  ///< none: everything
  Format format = Format::text;
  std::optional<std::uint64_t> count = {};
  std::optional<Duration> timeout = {};
  bool stats = false;
  std::string identity = {};
  std::string positions = {};  ///< a file; empty: the producers alone know how far it has come
};

/// `galena sub`: prints events.
int run_sub(const SubOptions& options);

}  // namespace galena::cli
