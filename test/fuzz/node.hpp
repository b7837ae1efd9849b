// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "claim.hpp"
#include "galena/names/client_core.hpp"
#include "names_frames.hpp"
#include "script.hpp"

namespace galena::fuzz {

/// A node that registers, watches and lists as a script says. Each question is answered once at most; at the end, all
/// are.
class Node {
 public:
  Node(Id id, std::string domain) : core_({.node = id, .domain = std::move(domain)}) {}

  names::ClientCore& core() { return core_; }

  void step(Script& script, Time now) {
    switch (script.below(6)) {
      case 0:
        return register_name(script, now);
      case 1:
        return unregister(script, now);
      case 2:
        if (watches_.size() < 8) watches_.push_back(core_.watch(any_name(script), [](std::optional<names::Entry>) {}));
        return;
      case 3:
        if (watches_.empty()) return;
        core_.unwatch(watches_.back());
        return watches_.pop_back();
      case 4: {
        ++open_;
        return core_.list(
            script.duration(), [this](const std::optional<std::vector<names::Entry>>&) { count_answer(); }, now);
      }
      default:
        return core_.set_subscribers(any_name(script), script.id(), script.number32());
    }
  }

  /// Runs what is to be called.
  void call() {
    while (const auto call = core_.poll_call()) (*call)();
  }

  /// Questions that are not answered yet.
  std::size_t open() const { return open_; }

 private:
  using Key = std::pair<std::string, Id>;

  void register_name(Script& script, Time now) {
    names::Registration registration = any_registration(script);
    if (registration.name.empty()) return;
    const Key key{registration.name, registration.stage};
    if (!wanted_.insert(key).second) return;  // which a node asserts of itself
    asked_.insert(key);
    ++open_;
    core_.register_name(
        std::move(registration), script.duration(),
        [this, key](const names::Registered& result) {
          count_answer();
          asked_.erase(key);
          if (result.outcome != names::Outcome::ok) wanted_.erase(key);
        },
        [this, key](const names::Entry&) { wanted_.erase(key); }, now);
  }

  void unregister(Script& script, Time now) {
    const Key key{any_name(script), script.id()};
    call();
    wanted_.erase(key);
    if (asked_.erase(key) > 0) --open_;  // nobody waits for the answer any more
    ++open_;
    core_.unregister(
        key.first, key.second, script.duration(), [this] { count_answer(); }, now);
  }

  void count_answer() {
    claim(open_ > 0, "a question is answered once");
    --open_;
  }

  names::ClientCore core_;
  std::set<Key> wanted_;
  std::set<Key> asked_;  // and not answered yet
  std::vector<names::ClientCore::WatchId> watches_;
  std::size_t open_ = 0;
};

}  // namespace galena::fuzz
