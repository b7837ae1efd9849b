// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "galena/time.hpp"

namespace galena::names {

/// The nodes that a name service knows, each by its connection ("peer"), and how long each may stay silent. Only
/// stores.
class SessionTable {
 public:
  struct Options {
    std::size_t sessions = 16'384;
    std::size_t sessions_per_address = 4'096;  ///< of the peers that come over the network
    Duration shortest_lease = std::chrono::milliseconds(100);
    Duration longest_lease = std::chrono::minutes(10);
    Duration default_lease = std::chrono::seconds(6);  ///< of a node that registers without a hello
  };

  explicit SessionTable(Options options) : options_(options) {}

  /// Begins a session, or renews the one there is. A `lease` of zero leaves what was agreed before. `address`: of the
  /// host that the peer is on; empty if it is this one. False if there is no room for another session.
  bool open(const std::string& peer, std::string_view address, Duration lease, Time now);
  /// Renews the session of `peer`, if it has one.
  void renew(const std::string& peer, Time now);
  /// False if there was none.
  bool erase(const std::string& peer);
  void clear();

  bool contains(const std::string& peer) const { return sessions_.contains(peer); }
  /// Requires: `peer` has a session.
  Duration lease(const std::string& peer) const { return sessions_.at(peer).lease; }
  std::size_t size() const { return sessions_.size(); }
  std::vector<std::string> peers() const;

  /// The peers whose lease has run out. They stay until they are erased.
  std::vector<std::string> poll_expired(Time now);
  Time poll_timeout() const { return next_expiry_; }

 private:
  struct Session {
    std::string address;
    Duration lease{};
    Time expires;
  };

  Options options_;
  std::unordered_map<std::string, Session> sessions_;
  std::unordered_map<std::string, std::size_t> of_address_;  // how many sessions; none is 0
  Time next_expiry_ = never;                                 // no session expires before
};

}  // namespace galena::names
