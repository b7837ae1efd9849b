// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "galena/names/entry.hpp"
#include "galena/time.hpp"

namespace galena::names {

enum class Outcome {
  ok,           ///< registered
  taken,        ///< another stage has the name, and answered when it was challenged
  unreachable,  ///< no name service answered in time
  refused,      ///< the service says why in `reason` (a malformed name, too many names, ...)
};

struct Registered {
  Outcome outcome = Outcome::ok;
  std::optional<Entry> entry;  ///< ours if ok, the owner's if taken
  std::uint32_t waiting = 0;   ///< how many watchers were waiting for this name when it was registered
  std::string reason;
};

/// A node's view of global names: registers those of the node's stages, and finds others. Directory, which speaks to
/// Galena's own name services, is one; a client of another service can stand in its place.
/// Thread: all calls and all callbacks on the reactor's thread. A callback is never called from within the call that
/// was given it.
class Resolver {
 public:
  using WatchId = std::uint64_t;

  virtual ~Resolver() = default;

  /// Registers a name and keeps it registered until unregister(). Calls `done` once, at the latest after `timeout`.
  /// Calls `lost` if another owner keeps the name later; the registration is over then.
  virtual void register_name(Registration registration, Duration timeout, std::function<void(Registered)> done,
                             std::function<void(const Entry& owner)> lost) = 0;
  /// Gives the name back at once. Calls `done` when the service has answered, or when `timeout` has passed.
  virtual void unregister(const std::string& name, const Id& stage, Duration timeout, std::function<void()> done) = 0;
  /// How many subscribers a registered stage has. It may be told to others late.
  virtual void set_subscribers(const std::string& name, const Id& stage, std::uint32_t subscribers) = 0;

  /// Calls `changed` with the present owner of the name (empty: there is none) as soon as that is known, and then
  /// whenever the owner changes.
  virtual WatchId watch(const std::string& name, std::function<void(std::optional<Entry>)> changed) = 0;
  virtual void unwatch(WatchId id) = 0;

  /// All names. Calls `done` once; with an empty optional if no service answered within `timeout`.
  virtual void list(Duration timeout, std::function<void(std::optional<std::vector<Entry>>)> done) = 0;

  /// Which service is asked, for log lines and error texts; empty while none is in reach.
  virtual std::string service() const = 0;
};

}  // namespace galena::names
