// SPDX-License-Identifier: Apache-2.0
#include "galena/names/watches.hpp"

#include <utility>

namespace galena::names {
namespace {

bool same_owner(const std::optional<Entry>& a, const std::optional<Entry>& b) {
  if (!a || !b) return a.has_value() == b.has_value();
  return a->token == b->token && a->registration.stage == b->registration.stage &&
         a->registration.endpoints == b->registration.endpoints && a->registration.kind == b->registration.kind &&
         a->registration.host_id == b->registration.host_id;
}

}  // namespace

Watches::WatchId Watches::add(const std::string& name, Changed changed) {
  const WatchId id = ++last_;
  Watched& watched = names_[name];
  watched.callbacks.emplace(id, std::move(changed));
  name_of_.emplace(id, name);
  if (watched.known) tell(id, name, watched.owner);
  return id;
}

std::optional<std::string> Watches::remove(WatchId id) {
  const auto it = name_of_.find(id);
  if (it == name_of_.end()) return std::nullopt;
  std::string name = std::move(it->second);
  name_of_.erase(it);
  const auto watched = names_.find(name);
  watched->second.callbacks.erase(id);
  if (watched->second.callbacks.empty()) names_.erase(watched);
  return name;
}

void Watches::handle_owner(const std::string& name, const std::optional<Entry>& owner) {
  const auto it = names_.find(name);
  if (it == names_.end()) return;
  Watched& watched = it->second;
  const bool news = !watched.known || !same_owner(watched.owner, owner);
  watched.known = true;
  watched.owner = owner;
  if (!news) return;
  for (const auto& [id, callback] : watched.callbacks) tell(id, name, owner);
}

std::vector<std::string> Watches::names() const {
  std::vector<std::string> names;
  for (const auto& [name, watched] : names_) names.push_back(name);
  return names;
}

std::size_t Watches::watchers(const std::string& name) const {
  const auto it = names_.find(name);
  return it == names_.end() ? 0 : it->second.callbacks.size();
}

void Watches::tell(WatchId id, const std::string& name, std::optional<Entry> owner) {
  calls_.push_back([this, id, name, owner = std::move(owner)] {
    const auto watched = names_.find(name);
    if (watched == names_.end()) return;
    const auto it = watched->second.callbacks.find(id);
    if (it == watched->second.callbacks.end()) return;  // unwatched since
    const auto callback = it->second;                   // it may unwatch itself
    callback(owner);
  });
}

}  // namespace galena::names
