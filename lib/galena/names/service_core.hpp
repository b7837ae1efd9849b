// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "galena/names/limits.hpp"
#include "galena/names/message.hpp"
#include "galena/names/name_table.hpp"
#include "galena/names/service_address.hpp"
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
    Duration challenge = std::chrono::milliseconds(900);  ///< how long a holder has to answer
    /// How long "nobody has it" is held back when nodes arrive from another service: their names follow them.
    Duration settle = std::chrono::milliseconds(200);
    Duration longest_settle = std::chrono::seconds(2);  ///< while nodes still owe names that they said they have
    Duration shortest_lease = std::chrono::milliseconds(100);
    Duration longest_lease = std::chrono::minutes(10);
    Duration default_lease = std::chrono::seconds(6);  ///< of who registers without a hello
  };
  struct Out {
    std::string peer;
    bool delimited = false;
    std::string bytes;
  };
  struct Counters {
    std::uint64_t malformed = 0;  ///< not a message
    std::uint64_t refused = 0;    ///< a message that asked for what is not to be had
    std::uint64_t expired = 0;    ///< sessions that stopped renewing
  };

  explicit ServiceCore(Options options);

  /// Takes charge, or goes on with another term.
  void lead(std::uint64_t term);
  /// Sends everybody to `leader` and forgets all names: who has one says so there.
  void follow(ServiceAddress leader);
  bool leads() const { return !leader_.has_value(); }

  void handle_message(const std::string& peer, bool delimited, std::string_view bytes, Time now);
  /// The connection is no more, or takes nothing any more.
  void handle_gone(const std::string& peer, Time now);
  /// The connection may be no more: says something over it, so that the driver finds out.
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
  struct Session {
    Duration lease{};
    Time expires;
    std::uint64_t owed = 0;  ///< names it said it has and has not registered here yet
  };
  struct Claim {
    std::string peer;
    std::uint64_t request = 0;
    Entry entry;  ///< with a token: it was granted elsewhere
    bool resumed() const { return entry.token != Token{}; }
  };
  struct Challenge {
    std::uint64_t number = 0;
    std::string peer;           ///< who has to answer
    std::vector<Claim> claims;  ///< in order of arrival; never empty
  };
  struct ChallengeDeadline {
    Time at;
    std::uint64_t number = 0;
    std::string name;
  };
  struct Deferred {
    Time asked;
    std::string peer;
    bool delimited = false;
    Message message;
  };

  void dispatch(const std::string& peer, bool delimited, const Message& message, Time now);
  void greet(const std::string& peer, const Message& hello, Time now);
  void renew(const std::string& peer, const Message& message, Time now);
  void enroll(const std::string& peer, const Message& message, Time now);
  void unregister(const std::string& peer, const Message& message, Time now);
  void lookup(const std::string& peer, bool delimited, const Message& message, Time now);
  void list(const std::string& peer, bool delimited, const Message& message, Time now);
  void watch(const std::string& peer, const Message& message, Time now);
  void announce(const Message& message);

  void challenge(const NameTable::Slot& slot, Claim claim, Time now);
  void conclude(const std::string& name, bool alive, Time now);
  bool grant(const Claim& claim, Time now);
  void reject(const Claim& claim, const NameTable::Slot& owner, Time now);
  void displace(const NameTable::Slot& slot, const Entry& owner);
  void release(const std::string& name, Time now);
  void tell_watchers(const std::string& name, Time now);

  Session* session(const std::string& peer, Duration lease, Time now);
  std::string problem(const Registration& registration) const;
  bool settling(Time now) const;
  /// When what was asked then is answered, even if with "nobody".
  Time due(Time asked) const { return asked + (owed_ == 0 ? options_.settle : options_.longest_settle); }
  void owe(Session& session, std::uint64_t names);
  Message redirect(std::uint64_t request) const;
  bool defer(const std::string& peer, bool delimited, const Message& message, Time now);
  void send(const std::string& peer, const Message& message, bool delimited = false);
  void refuse(const std::string& peer, bool delimited, std::uint64_t request, const std::string& reason);

  Options options_;
  std::uint64_t term_ = 0;
  std::uint64_t highest_term_ = 0;
  std::uint64_t sequence_ = 0;
  std::uint64_t last_challenge_ = 0;
  std::optional<ServiceAddress> leader_;

  NameTable table_;
  WatchTable watches_;
  std::unordered_map<std::string, Session> sessions_;  // whoever is in table_ or watches_ has one
  Time next_expiry_ = never;                           // no session expires before
  std::map<std::string, Challenge> challenges_;        // by name; the name has a holder meanwhile
  std::deque<ChallengeDeadline> challenge_deadlines_;  // in order; of decided challenges too

  Time settle_until_ = Time::min();
  Time owed_until_ = Time::min();
  std::uint64_t owed_ = 0;         // the sum of Session::owed
  std::set<Id> settled_;           // services whose nodes have begun to arrive
  std::deque<Deferred> deferred_;  // in order of arrival
  bool patient_ = true;            // false while a deferred question is answered: it waits once

  std::deque<Out> output_;
  std::deque<ServiceAddress> announced_;
  Counters counters_;
};

/// Whether a holder of `age` keeps its name against another of `other_age`, when each holds it rightfully: who has had
/// it longer, and within a second the lower id.
bool keeps(Duration age, const Id& stage, Duration other_age, const Id& other_stage);

}  // namespace galena::names
