// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "galena/core/drops.hpp"
#include "galena/stats.hpp"

namespace galena::core {

/// What a publisher answers to an inquiry: `["report", {...}]`, see PROTOCOL.md.
struct Report {
  std::uint64_t ingested = 0;
  std::uint64_t outstanding = 0;
  std::uint64_t oldest_ms = 0;
  std::uint64_t refused = 0;
  std::uint64_t malformed = 0;
  std::uint64_t wrong_version = 0;
  std::uint64_t buffered_bytes = 0;
  DropCounts drops = {};
  std::vector<LinkInfo> subscribers = {};
};

/// The first max_reported of the drops and of the subscribers.
inline constexpr std::size_t max_reported = 1000;

std::string encode(const Report& report);
/// Empty for anything else.
std::optional<Report> decode_report(std::string_view frame);

}  // namespace galena::core
