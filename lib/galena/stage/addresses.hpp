// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "galena/id.hpp"
#include "galena/net/socket.hpp"
#include "galena/stats.hpp"

namespace galena::detail {

/// Where the last connection of each subscription came from.
class Addresses {
 public:
  /// The first frame of a subscription's connection has come.
  void record(const Id& subscription, const net::Frame& frame) {
    std::string address(frame.peer_address());
    if (const auto process = frame.peer_process(); !process.empty()) address = "pid " + std::string(process);
    has_grown_ = true;
    if (address.empty()) {
      by_subscription_.erase(subscription);
    } else {
      by_subscription_[subscription] = std::move(address);
    }
  }
  void fill(LinkInfo& link) const {
    const auto it = by_subscription_.find(link.subscription);
    if (it != by_subscription_.end()) link.address = it->second;
  }
  /// Something was recorded since keep() was last called.
  bool has_grown() const { return has_grown_; }
  /// Forgets all but those of these subscriptions.
  void keep(const std::vector<LinkInfo>& links) {
    has_grown_ = false;
    std::unordered_map<Id, std::string> kept;
    for (const LinkInfo& link : links) {
      if (auto node = by_subscription_.extract(link.subscription)) kept.insert(std::move(node));
    }
    by_subscription_ = std::move(kept);
  }

 private:
  std::unordered_map<Id, std::string> by_subscription_;
  bool has_grown_ = false;
};

}  // namespace galena::detail
