// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "galena/names/entry.hpp"
#include "galena/names/resolver.hpp"

namespace galena::names {

/// The names that a node watches, and what it knows of their owners.
class Watches {
 public:
  using WatchId = Resolver::WatchId;
  using Changed = std::function<void(std::optional<Entry>)>;
  using Call = std::function<void()>;

  /// `calls` takes what is to be called soon: `changed`, when the owner of a watched name is known, and when it
  /// changes.
  explicit Watches(std::deque<Call>& calls) : calls_(calls) {}

  WatchId add(const std::string& name, Changed changed);
  /// The name that was watched; empty if there is no such watch.
  std::optional<std::string> remove(WatchId id);
  /// A service says who has the name.
  void handle_owner(const std::string& name, const std::optional<Entry>& owner);

  /// How many names are watched.
  std::size_t size() const { return names_.size(); }
  std::vector<std::string> names() const;
  /// How many watch the name.
  std::size_t watchers(const std::string& name) const;

 private:
  struct Watched {
    std::map<WatchId, Changed> callbacks;  // one or more
    bool known = false;
    std::optional<Entry> owner;
  };

  void tell(WatchId id, const std::string& name, std::optional<Entry> owner);

  std::deque<Call>& calls_;
  WatchId last_ = 0;
  std::unordered_map<std::string, Watched> names_;
  std::unordered_map<WatchId, std::string> name_of_;
};

}  // namespace galena::names
