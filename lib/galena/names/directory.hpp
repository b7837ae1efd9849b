// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "galena/logger.hpp"
#include "galena/names/domain.hpp"
#include "galena/names/resolver.hpp"
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

/// A Resolver that asks Galena's name services: this host's own (which it may host itself), those of a fixed list, or
/// those that a beacon tells of. Renews registrations at a third of the lease, and repeats them to each service that
/// takes over.
class Directory final : public Resolver {
 public:
  Directory(net::Context& context, net::Reactor& reactor, DirectoryOptions options, const Logger& logger);
  ~Directory() override;

  void register_name(Registration registration, Duration timeout, std::function<void(Registered)> done,
                     std::function<void(const Entry& owner)> lost) override;
  void unregister(const std::string& name, const Id& stage, Duration timeout, std::function<void()> done) override;
  void set_subscribers(const std::string& name, const Id& stage, std::uint32_t subscribers) override;
  WatchId watch(const std::string& name, std::function<void(std::optional<Entry>)> changed) override;
  void unwatch(WatchId id) override;
  void list(Duration timeout, std::function<void(std::optional<std::vector<Entry>>)> done) override;
  std::string service() const override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace galena::names
