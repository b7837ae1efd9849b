// SPDX-License-Identifier: Apache-2.0
#include "galena/names/name_table.hpp"

#include "galena/base/assert.hpp"

namespace galena::names {

const NameTable::Slot* NameTable::find(const std::string& name) const {
  const auto it = slots_.find(name);
  return it == slots_.end() ? nullptr : &it->second;
}

const NameTable::Slot& NameTable::put(Slot slot) {
  const std::string name = slot.registration.name;
  if (const auto it = slots_.find(name); it != slots_.end()) unlink(it->second);
  by_peer_[slot.peer].insert(name);
  return slots_.insert_or_assign(name, std::move(slot)).first->second;
}

void NameTable::erase(const std::string& name) {
  const auto it = slots_.find(name);
  if (it == slots_.end()) return;
  unlink(it->second);
  slots_.erase(it);
}

void NameTable::unlink(const Slot& slot) {
  const auto names = by_peer_.find(slot.peer);
  GALENA_ASSERT(names != by_peer_.end() && names->second.contains(slot.registration.name), slot.registration.name);
  names->second.erase(slot.registration.name);
  if (names->second.empty()) by_peer_.erase(names);
}

void NameTable::set_subscribers(const std::string& name, std::uint32_t count) {
  if (const auto it = slots_.find(name); it != slots_.end()) it->second.registration.subscribers = count;
}

void NameTable::clear() {
  slots_.clear();
  by_peer_.clear();
}

const std::set<std::string>& NameTable::of(const std::string& peer) const {
  static const std::set<std::string> none;
  const auto it = by_peer_.find(peer);
  return it == by_peer_.end() ? none : it->second;
}

void NameTable::each_after(const std::string& after, const std::function<bool(const Slot&)>& visit) const {
  for (auto it = slots_.upper_bound(after); it != slots_.end() && visit(it->second); ++it) {
  }
}

}  // namespace galena::names
