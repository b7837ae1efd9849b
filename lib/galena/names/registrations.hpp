// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "galena/names/questions.hpp"
#include "galena/names/resolver.hpp"

namespace galena::names {

/// The names that a node registers, and those that it gives back. It tells them again to each service.
class Registrations {
 public:
  using Call = std::function<void()>;
  using Done = std::function<void(Registered)>;
  using Lost = std::function<void(const Entry&)>;

  /// `calls` takes what is to be called soon: `done`, once; `lost`, when another stage has a name that was registered.
  /// After `lease` without word from a service, other stages may have had the names.
  Registrations(Questions& questions, std::deque<Call>& calls, Duration lease)
      : questions_(questions), calls_(calls), lease_(lease) {}

  /// Requires: the stage does not register this name already.
  void add(Registration registration, Time deadline, Done done, Lost lost, Time now);
  void remove(const std::string& name, const Id& stage, Time deadline, Call done);
  void set_subscribers(const std::string& name, const Id& stage, std::uint32_t subscribers);

  /// A service knows the node from now on, or asks for all names: it is told all, and then of each change.
  void handle_welcome(Time now);
  void handle_disconnected();
  void handle_registered(const Message& message, Time now);
  /// Another stage has the name that a stage of this node asked for, or had.
  void handle_taken(const Message& message);
  void handle_refused(const Message& message);
  void handle_unregistered(const Message& message);
  void handle_challenge(const Message& message);
  /// A service has confirmed all names.
  void handle_renewed(Time now) { confirmed_ = now; }
  /// `refusal`: what the last service said that refused something, for those whose time is over.
  void handle_timeout(Time now, const std::string& refusal);
  Time poll_timeout() const;

  /// How many names are registered.
  std::uint64_t size() const;
  /// Adds to a renewal what a service must know of the names.
  void complete(Message& renewal);

 private:
  using Key = std::pair<std::string, Id>;  // name and stage: two stages of a node may want one name

  struct Wanted {
    Registration registration;
    std::uint64_t request = 0;
    Time deadline;        // of the first answer
    Token token;          // zero until granted
    Time since;           // when it was granted
    bool counted = true;  // the service knows the number of subscribers
    Done done;
    Lost lost;
    bool registered() const { return token != Token{}; }
  };
  struct Unregistering {
    Time deadline;
    Call done;
  };

  void send(Wanted& wanted, Time now);
  std::uint64_t give_back(const std::string& name, const Id& stage);
  void finish(std::map<Key, Wanted>::iterator it, Registered result);

  Questions& questions_;
  std::deque<Call>& calls_;
  const Duration lease_;
  bool welcome_ = false;          // to a service, which hears of each change
  Time confirmed_ = Time::min();  // when a service last confirmed the names
  std::map<Key, Wanted> wanted_;
  std::map<std::uint64_t, Unregistering> unregistering_;  // by request
};

}  // namespace galena::names
