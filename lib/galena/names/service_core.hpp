// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "galena/names/challenges.hpp"
#include "galena/names/limits.hpp"
#include "galena/names/message.hpp"
#include "galena/names/migration.hpp"
#include "galena/names/name_table.hpp"
#include "galena/names/service_address.hpp"
#include "galena/names/session_table.hpp"
#include "galena/names/watch_table.hpp"

namespace galena::names {

/// What a name service answers: the rules of registering, taking over, looking up and watching, without a socket or a
/// clock. A "peer" is the driver's name for a connection; it may be any string.
class ServiceCore {
 public:
  struct Options {
    Id id;
    std::string domain;
    Limits limits;
    Duration challenge = std::chrono::milliseconds(900);  ///< how long an owner has to answer
  };
  struct Out {
    std::string peer;
    bool delimited = false;
    std::string bytes;
  };
  struct Counters {
    std::uint64_t malformed = 0;      ///< not a message
    std::uint64_t wrong_version = 0;  ///< a hello of a node that speaks no version that this service speaks
    std::uint64_t refused = 0;        ///< a message that asked for something this service does not give
    std::uint64_t expired = 0;        ///< sessions that stopped renewing
  };

  explicit ServiceCore(Options options);

  /// Takes charge, or goes on with another term.
  void lead(std::uint64_t term);
  /// Sends every node to `leader` and forgets all names: their owners register them again there.
  void follow(ServiceAddress leader);
  bool leads() const { return !leader_.has_value(); }

  void handle_message(const std::string& peer, bool delimited, std::string_view bytes, Time now);
  /// The connection has ended, or its peer reads nothing any more.
  void handle_gone(const std::string& peer, Time now);
  /// The connection may have ended. Sends a message over it, so that the driver finds out.
  void handle_doubt(const std::string& peer);
  void handle_timeout(Time now);

  std::optional<Out> poll_output();
  /// Another name service that said where it is.
  std::optional<ServiceAddress> poll_announced();
  Time poll_timeout() const;

  /// The highest term that any node has heard of.
  std::uint64_t highest_term() const { return highest_term_; }
  std::size_t sessions() const { return sessions_.size(); }
  std::size_t entries() const { return table_.size(); }
  const Counters& counters() const { return counters_; }

 private:
  void dispatch(const std::string& peer, bool delimited, const Message& message, Time now);
  void greet(const std::string& peer, const Message& hello, Time now);
  void renew(const std::string& peer, const Message& message, Time now);
  void register_name(const std::string& peer, const Message& message, Time now);
  void unregister(const std::string& peer, const Message& message, Time now);
  void lookup(const std::string& peer, bool delimited, const Message& message, Time now);
  void list(const std::string& peer, bool delimited, const Message& message, Time now);
  void watch(const std::string& peer, const Message& message, Time now);
  void announce(const Message& message);

  void challenge(const NameTable::Slot& slot, const RegisterRequest& request, Time now);
  void conclude(const std::string& name, bool alive, Time now);
  bool grant(const RegisterRequest& request, Time now);
  void reject(const RegisterRequest& request, const NameTable::Slot& owner, Time now);
  void displace(const NameTable::Slot& slot, const Entry& owner);
  void vacate(const std::string& name, Time now);
  void free_name(const std::string& name, Time now);
  void tell_watchers(const std::string& name, Time now);

  bool open_session(const std::string& peer, std::uint64_t request, Duration lease, Time now);
  Message redirect(std::uint64_t request) const;
  bool defer(const std::string& peer, bool delimited, const Message& message, Time now);
  void send(const std::string& peer, const Message& message, bool delimited = false);
  void refuse(const std::string& peer, bool delimited, std::uint64_t request, const std::string& reason);

  Options options_;
  std::uint64_t term_ = 0;
  std::uint64_t highest_term_ = 0;
  std::uint64_t sequence_ = 0;
  std::optional<ServiceAddress> leader_;

  NameTable table_;
  WatchTable watches_;
  SessionTable sessions_;  // every peer in table_ or watches_ has one
  Challenges challenges_;  // only of names in table_
  Migration migration_;
  bool may_defer_ = true;  // false while a deferred question is answered: it is deferred once

  std::deque<Out> output_;
  std::deque<ServiceAddress> announced_;
  Counters counters_;
};

/// Whether a stage that has had a name for `age` keeps it against one that has had the same name for `other_age`: the
/// one that has had it longer does, and within a second the one with the lower id.
bool keeps(Duration age, const Id& stage, Duration other_age, const Id& other_stage);

}  // namespace galena::names
