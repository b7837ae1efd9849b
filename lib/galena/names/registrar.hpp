// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "galena/names/challenges.hpp"
#include "galena/names/limits.hpp"
#include "galena/names/message.hpp"
#include "galena/names/name_table.hpp"
#include "galena/names/outbox.hpp"
#include "galena/names/watch_table.hpp"

namespace galena::names {

/// Decides which stage has a name. A stage that asks for one that another stage has gets it if that one does not answer
/// a challenge, or gives it up. Tells those who asked, those who lost a name, and those who watch it.
class Registrar {
 public:
  struct Options {
    Id service;
    Limits limits;
    Duration challenge;  ///< how long an owner has to answer
  };

  Registrar(Options options, const WatchTable& watches, Outbox& outbox);

  /// Of the names that are granted from now on.
  void set_term(std::uint64_t term) { term_ = term; }
  /// Forgets all names, and all that was asked.
  void clear();

  /// Answers it, now or when the owner of the name has been asked. Requires: the request keeps the limits.
  void handle_request(RegisterRequest request, Time now);
  /// An owner says how many subscribers it has.
  void handle_count(const std::string& peer, const SubscriberCount& count);
  /// An owner has answered a challenge. An answer that comes too late, or from another peer, is ignored.
  void handle_answer(const std::string& peer, const Message& message, Time now);
  /// The stage does not want the name any more, whether it has it or waits for it.
  void handle_unregister(const std::string& peer, const std::string& name, const Id& stage, Time now);
  void handle_gone(const std::string& peer, Time now);
  void handle_timeout(Time now);
  Time poll_timeout() const { return challenges_.poll_timeout(); }

  const NameTable& names() const { return names_; }

 private:
  bool owns(const std::string& peer, const std::string& name, const Id& stage) const;
  void challenge(const NameTable::Slot& slot, const RegisterRequest& request, Time now);
  void conclude(const std::string& name, bool alive, Time now);
  bool grant(const RegisterRequest& request, Time now);
  void reject(const RegisterRequest& request, const NameTable::Slot& owner, Time now);
  void displace(const NameTable::Slot& slot, const Entry& owner);
  void vacate(const std::string& name, Time now);
  void free_name(const std::string& name, Time now);
  void tell_watchers(const std::string& name, Time now);

  const Options options_;
  const WatchTable& watches_;
  Outbox& outbox_;
  std::uint64_t term_ = 0;
  std::uint64_t sequence_ = 0;  // of the tokens
  NameTable names_;
  Challenges challenges_;  // only of names in names_
};

/// Whether a stage that has had a name for `age` keeps it against one that has had the same name for `other_age`: the
/// one that has had it longer does, and within a second the one with the lower id.
bool keeps(Duration age, const Id& stage, Duration other_age, const Id& other_stage);

}  // namespace galena::names
