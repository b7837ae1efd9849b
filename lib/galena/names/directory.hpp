// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "galena/logger.hpp"
#include "galena/names/client_core.hpp"
#include "galena/names/domain.hpp"
#include "galena/names/entry.hpp"
#include "galena/net/context.hpp"
#include "galena/net/reactor.hpp"
#include "galena/time.hpp"

namespace galena::names {

struct DirectoryOptions {
  std::string domain = "default";       ///< names of one domain do not see those of another
  std::vector<std::string> services{};  ///< fixed name services (tcp://host:port) instead of host service and beacon
  std::string interface {};             ///< announce and listen on this one only; empty: all
  bool host = true;                     ///< may host this machine's name service if nobody does
  Duration lease = std::chrono::seconds(6);
  std::uint16_t beacon_port = default_beacon_port;  ///< UDP; 0: neither announce nor listen
};

/// A node's view of the name services: registers what the node's stages are called, and finds others. All calls and
/// all callbacks on the reactor's thread; a callback is never called from within the call that was given it.
class Directory {
 public:
  using Outcome = names::Outcome;
  using Registered = names::Registered;
  using WatchId = std::uint64_t;

  Directory(net::Context& context, net::Reactor& reactor, DirectoryOptions options, const Logger& logger);
  ~Directory();

  /// Registers and from then on keeps registered: renewed at a third of the lease, and said again to whatever service
  /// takes over. `done` is called once. `lost` is called if another owner keeps the name (the registration is over
  /// then).
  void register_name(Registration registration, Duration timeout, std::function<void(Registered)> done,
                     std::function<void(const Entry& owner)> lost);
  /// Gives the name back at once. `done` when the service has answered, or when `timeout` has passed.
  void unregister(const std::string& name, const Id& stage, Duration timeout, std::function<void()> done);
  /// What the next renewal says.
  void set_subscribers(const std::string& name, const Id& stage, std::uint32_t subscribers);

  /// Calls `changed` with what is known (empty: nobody has the name), soon and then whenever the owner changes.
  WatchId watch(const std::string& name, std::function<void(std::optional<Entry>)> changed);
  void unwatch(WatchId id);

  /// Asks once. An empty optional: no service answered within `timeout`.
  void list(Duration timeout, std::function<void(std::optional<std::vector<Entry>>)> done);

  /// Where the service in charge is, as far as known; empty while there is none. For -v and error texts.
  std::string service() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace galena::names
