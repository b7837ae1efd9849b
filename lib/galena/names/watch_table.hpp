// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <unordered_map>

namespace galena::names {

/// Which peer watches which name, and for how many watchers. Only stores.
class WatchTable {
 public:
  using Watchers = std::map<std::string, std::uint32_t>;  ///< by peer: for how many

  void put(const std::string& peer, const std::string& name, std::uint32_t count);
  void erase(const std::string& peer, const std::string& name);
  void erase_peer(const std::string& peer);
  void clear();

  const Watchers& of_name(const std::string& name) const;
  std::size_t count_of_peer(const std::string& peer) const;
  /// The number of watchers of `name` at all peers.
  std::uint32_t waiting(const std::string& name) const;

 private:
  std::unordered_map<std::string, Watchers> by_name_;
  std::unordered_map<std::string, std::set<std::string>> by_peer_;  // the same pairs the other way round
};

}  // namespace galena::names
