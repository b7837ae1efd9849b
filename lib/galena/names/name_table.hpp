// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <unordered_map>

#include "galena/names/entry.hpp"

namespace galena::names {

/// The owner of each name, and the connection ("peer") over which it is reached. Only stores; which stage may have a
/// name is decided elsewhere.
class NameTable {
 public:
  struct Slot {
    Registration registration;
    Token token;
    Time since;  ///< by this clock: now minus the age that the owner said
    std::string peer;

    Duration age(Time now) const { return now - since; }
    Entry entry(Time now) const { return {registration, token, age(now)}; }
  };

  const Slot* find(const std::string& name) const;
  /// Replaces the owner that the name had before.
  const Slot& put(Slot slot);
  void erase(const std::string& name);
  void set_subscribers(const std::string& name, std::uint32_t count);
  void clear();

  std::size_t size() const { return slots_.size(); }
  /// The names whose owners are reached over `peer`.
  const std::set<std::string>& of(const std::string& peer) const;
  /// In order of names, from the first behind `after`, until `visit` answers false.
  void each_after(const std::string& after, const std::function<bool(const Slot&)>& visit) const;

 private:
  void unlink(const Slot& slot);

  std::map<std::string, Slot> slots_;
  std::unordered_map<std::string, std::set<std::string>> by_peer_;  // exactly the names of slots_, by Slot::peer
};

}  // namespace galena::names
