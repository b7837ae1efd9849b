// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "galena/base/id.hpp"
#include "galena/core/selection.hpp"

namespace galena::core {

/// One subscription as the publisher sees it, since it subscribed, over all its connections. At any moment
///   selected = acknowledged + in flight (sent - acknowledged) + held() + dropped
/// and what it missed of the stream before is `lost`, as far as anybody knows how many events that were.
struct LinkInfo {
  Id subscription;
  std::string consumer;
  std::string identity;
  Selection selection;
  std::uint64_t selected = 0;      ///< events it selected since it subscribed
  std::uint64_t sent = 0;          ///< of these
  std::uint64_t acknowledged = 0;  ///< of these
  std::uint64_t dropped = 0;       ///< will not be sent; its consumer was told
  std::uint64_t lost = 0;          ///< not kept until it came back; its consumer was told
  bool away = false;               ///< its connection broke, and its place is held

  /// Selected, and neither sent nor dropped.
  std::uint64_t held() const { return selected - sent - dropped; }
};

}  // namespace galena::core
