// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "galena/names/limits.hpp"
#include "galena/names/message.hpp"
#include "galena/names/migration.hpp"
#include "galena/names/outbox.hpp"
#include "galena/names/registrar.hpp"
#include "galena/names/service_address.hpp"
#include "galena/names/session_table.hpp"
#include "galena/names/watch_table.hpp"

namespace galena::names {

/// What a name service answers, without a socket or a clock: it knows its nodes, looks up, lists, and lets watch the
/// names that its Registrar grants. A "peer" is the driver's name for a connection; it may be any string.
class ServiceCore {
 public:
  struct Options {
    Id id;
    std::string domain;
    Limits limits;
    Duration challenge = std::chrono::milliseconds(900);  ///< how long an owner has to answer
  };
  using Out = Outbox::Out;
  struct Counters {
    std::uint64_t malformed = 0;      ///< not a message
    std::uint64_t wrong_version = 0;  ///< a hello of a node that speaks no version that this service speaks
    std::uint64_t refused = 0;        ///< a message that asked for something this service does not give
    std::uint64_t expired = 0;        ///< sessions that stopped renewing
  };

  explicit ServiceCore(Options options);
  ServiceCore(const ServiceCore&) = delete;
  ServiceCore& operator=(const ServiceCore&) = delete;

  /// Takes charge, or goes on with another term.
  void lead(std::uint64_t term);
  /// Sends every node to `leader` and forgets all names: their owners register them again there.
  void follow(ServiceAddress leader);
  bool leads() const { return !leader_.has_value(); }

  /// What its driver knows of the connection that a message came over.
  struct Sender {
    std::string_view address = {};  ///< of the host; empty if it is this one
    std::size_t unread_bytes = 0;   ///< of what it was sent, and has not taken yet
  };
  void handle_message(const std::string& peer, bool delimited, std::string_view bytes, Time now, Sender sender);
  void handle_message(const std::string& peer, bool delimited, std::string_view bytes, Time now) {
    handle_message(peer, delimited, bytes, now, {});
  }
  /// The connection has ended, or its peer reads nothing any more.
  void handle_gone(const std::string& peer, Time now);
  /// The connection may have ended. Sends a message over it, so that the driver finds out.
  void handle_doubt(const std::string& peer);
  void handle_timeout(Time now);

  std::optional<Out> poll_output() { return outbox_.poll(); }
  /// Another name service that said where it is.
  std::optional<ServiceAddress> poll_announced();
  Time poll_timeout() const;

  /// The highest term that any node has heard of.
  std::uint64_t highest_term() const { return highest_term_; }
  std::size_t sessions() const { return sessions_.size(); }
  std::size_t entries() const { return names().size(); }
  Counters counters() const {
    Counters counters = counters_;
    counters.refused = outbox_.refused();
    return counters;
  }

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

  bool open_session(const std::string& peer, std::uint64_t request, Duration lease, Time now);
  Message redirect(std::uint64_t request) const;
  bool defer(const std::string& peer, bool delimited, const Message& message, Time now);
  const NameTable& names() const { return registrar_.names(); }

  Options options_;
  std::uint64_t term_ = 0;
  std::uint64_t highest_term_ = 0;
  std::optional<ServiceAddress> leader_;

  Outbox outbox_;
  WatchTable watches_;
  SessionTable sessions_;  // every peer that has or watches a name has one
  Registrar registrar_;
  Migration migration_;
  Sender sender_;          // of the message that is handled; nothing is known of a deferred one
  bool may_defer_ = true;  // false while a deferred question is answered: it is deferred once

  std::deque<ServiceAddress> announced_;
  Counters counters_;
};

}  // namespace galena::names
