// SPDX-License-Identifier: Apache-2.0
#include "galena/names/session_table.hpp"

#include <algorithm>
#include <utility>

namespace galena::names {

bool SessionTable::open(const std::string& peer, std::string_view address, Duration lease, Time now) {
  auto it = sessions_.find(peer);
  if (it == sessions_.end()) {
    if (sessions_.size() >= options_.sessions) return false;
    std::string from(address);
    if (!from.empty()) {
      const auto others = of_address_.find(from);
      if (others != of_address_.end() && others->second >= options_.sessions_per_address) return false;
      ++of_address_[from];
    }
    it = sessions_.emplace(peer, Session{std::move(from), options_.default_lease, now}).first;
  }
  Session& session = it->second;
  if (lease > Duration::zero()) session.lease = std::clamp(lease, options_.shortest_lease, options_.longest_lease);
  session.expires = now + session.lease;
  next_expiry_ = std::min(next_expiry_, session.expires);
  return true;
}

void SessionTable::renew(const std::string& peer, Time now) {
  if (const auto it = sessions_.find(peer); it != sessions_.end()) it->second.expires = now + it->second.lease;
}

bool SessionTable::erase(const std::string& peer) {
  const auto it = sessions_.find(peer);
  if (it == sessions_.end()) return false;
  const auto others = of_address_.find(it->second.address);
  if (others != of_address_.end() && --others->second == 0) of_address_.erase(others);
  sessions_.erase(it);
  return true;
}

void SessionTable::clear() {
  sessions_.clear();
  of_address_.clear();
  next_expiry_ = never;
}

std::vector<std::string> SessionTable::peers() const {
  std::vector<std::string> peers;
  for (const auto& [peer, session] : sessions_) peers.push_back(peer);
  return peers;
}

std::vector<std::string> SessionTable::poll_expired(Time now) {
  std::vector<std::string> expired;
  if (next_expiry_ > now) return expired;
  next_expiry_ = never;
  for (const auto& [peer, session] : sessions_) {
    if (session.expires <= now) {
      expired.push_back(peer);
    } else {
      next_expiry_ = std::min(next_expiry_, session.expires);
    }
  }
  return expired;
}

}  // namespace galena::names
