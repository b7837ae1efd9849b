// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "galena/base/id.hpp"
#include "galena/core/selection.hpp"

namespace galena::core {

/// One subscription as the publisher sees it, for people and tests.
struct LinkInfo {
  Id subscription;
  std::string consumer;
  Selection selection;
  std::uint64_t selected = 0;      ///< events it selected since it subscribed
  std::uint64_t sent = 0;          ///< of these
  std::uint64_t acknowledged = 0;  ///< of these
  std::uint64_t dropped = 0;       ///< will not be sent; its consumer was told
  bool away = false;               ///< its connection broke, and its place is held
};

}  // namespace galena::core
