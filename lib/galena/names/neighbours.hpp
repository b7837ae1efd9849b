// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "galena/logger.hpp"
#include "galena/names/beacon.hpp"
#include "galena/names/client_core.hpp"
#include "galena/names/election.hpp"
#include "galena/names/session.hpp"
#include "galena/net/timer.hpp"

namespace galena::names {

/// Finds the other name services of a domain and agrees with them which one is in charge. Does the input and output of
/// an Election: the beacon, the connection to the service on trial, and the one to the service that it follows.
class Neighbours {
 public:
  struct Options {
    Id id;
    std::string domain;
    std::string interface;
    bool dedicated = false;
    std::uint16_t beacon_port = 0;  ///< 0: no beacon
    std::uint16_t port = 0;         ///< where this service is bound
  };

  /// Calls `changed` when another service may be in charge, or the term may be another one.
  Neighbours(net::Context& context, net::Reactor& reactor, Options options, const Logger& logger,
             std::function<void()> changed);

  const Election& election() const { return election_; }
  void handle_announced(const ServiceAddress& service);
  void handle_term(std::uint64_t term) { election_.handle_term(term); }

 private:
  struct Connection {
    Connection(Neighbours& owner, const Election::Trial& trial);
    Id service;
    ClientCore core;
    Session session;
  };

  void update();
  void update_leader(Time now);
  void update_trial(Time now);
  void set_timer();

  net::Context& context_;
  net::Reactor& reactor_;
  Options options_;
  const Logger& logger_;
  std::function<void()> changed_;
  Election election_;
  net::Timer timer_;
  std::unique_ptr<Beacon> beacon_;
  std::unique_ptr<Connection> leader_;
  std::unique_ptr<Connection> trial_;
};

}  // namespace galena::names
