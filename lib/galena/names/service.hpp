// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "galena/logger.hpp"
#include "galena/names/domain.hpp"
#include "galena/net/context.hpp"
#include "galena/net/reactor.hpp"

namespace galena::names {

struct ServiceOptions {
  std::string domain = "default";
  std::string bind = "tcp://*:*";                   ///< where other hosts ask; `*` as the port: any that is free
  std::string interface {};                         ///< announce and listen on this one only; empty: all
  std::uint16_t beacon_port = default_beacon_port;  ///< UDP; 0: neither announce nor listen
  bool dedicated = true;                            ///< goes before services that nodes host
};

/// A running name service. Lives on its reactor's thread.
class Service {
 public:
  /// A dedicated service. Takes over this host's endpoint as well: at once, or when its present owner goes, which
  /// redirects its nodes here until then. Throws galena::Error if it cannot bind.
  Service(net::Context& context, net::Reactor& reactor, ServiceOptions options, const Logger& logger);
  ~Service();

  /// A service for this host, to be hosted by a node. Null if this host has one already.
  static std::unique_ptr<Service> try_host(net::Context& context, net::Reactor& reactor, ServiceOptions options,
                                           const Logger& logger);

  /// Where other hosts reach it, wildcards filled in: tcp://0.0.0.0:40123.
  const std::string& endpoint() const;
  bool in_charge() const;
  /// Where the service in charge is asked; empty if it is this one.
  std::string leader() const;
  /// How many nodes are connected, and how many names it knows.
  std::size_t nodes() const;
  std::size_t entries() const;

 private:
  class Impl;
  explicit Service(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace galena::names
