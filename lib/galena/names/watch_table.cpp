// SPDX-License-Identifier: Apache-2.0
#include "galena/names/watch_table.hpp"

#include "galena/base/assert.hpp"

namespace galena::names {

void WatchTable::put(const std::string& peer, const std::string& name, std::uint32_t count) {
  by_name_[name][peer] = count;
  by_peer_[peer].insert(name);
}

void WatchTable::erase(const std::string& peer, const std::string& name) {
  const auto names = by_peer_.find(peer);
  if (names == by_peer_.end() || names->second.erase(name) == 0) return;
  if (names->second.empty()) by_peer_.erase(names);
  const auto watchers = by_name_.find(name);
  GALENA_ASSERT(watchers != by_name_.end() && watchers->second.contains(peer), name);
  watchers->second.erase(peer);
  if (watchers->second.empty()) by_name_.erase(watchers);
}

void WatchTable::erase_peer(const std::string& peer) {
  for (auto names = by_peer_.find(peer); names != by_peer_.end(); names = by_peer_.find(peer)) {
    const std::string name = *names->second.begin();
    erase(peer, name);
  }
}

void WatchTable::clear() {
  by_name_.clear();
  by_peer_.clear();
}

const WatchTable::Watchers& WatchTable::of_name(const std::string& name) const {
  static const Watchers none;
  const auto it = by_name_.find(name);
  return it == by_name_.end() ? none : it->second;
}

std::size_t WatchTable::count_of_peer(const std::string& peer) const {
  const auto it = by_peer_.find(peer);
  return it == by_peer_.end() ? 0 : it->second.size();
}

std::uint32_t WatchTable::waiting(const std::string& name) const {
  std::uint64_t sum = 0;
  for (const auto& [peer, count] : of_name(name)) sum += count;
  return sum > UINT32_MAX ? UINT32_MAX : static_cast<std::uint32_t>(sum);
}

}  // namespace galena::names
