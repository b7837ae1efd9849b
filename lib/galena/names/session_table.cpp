// SPDX-License-Identifier: Apache-2.0
#include "galena/names/session_table.hpp"

#include <algorithm>

namespace galena::names {

bool SessionTable::open(const std::string& peer, Duration lease, Time now) {
  auto it = sessions_.find(peer);
  if (it == sessions_.end()) {
    if (sessions_.size() >= options_.sessions) return false;
    it = sessions_.emplace(peer, Session{options_.default_lease, now}).first;
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

void SessionTable::clear() {
  sessions_.clear();
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
