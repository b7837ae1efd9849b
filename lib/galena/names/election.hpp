// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "galena/names/service_address.hpp"
#include "galena/time.hpp"

namespace galena::names {

/// Decides for one name service whether it is in charge of its domain or follows another. Has no socket and no clock.
///
/// Services in charge announce themselves. A service that hears of one that goes before it puts that one on trial: it
/// connects, and follows only when it is welcomed there, because anybody can send an announcement. When the connection
/// ends, the follower is in charge again.
class Election {
 public:
  struct Options {
    Id id;
    bool dedicated = false;
    Duration probation =
        std::chrono::milliseconds(500);  ///< in charge at first, but all that were so before go before it
    Duration quick_interval = std::chrono::milliseconds(250);
    Duration quick_for = std::chrono::seconds(2);
    Duration slow_interval = std::chrono::seconds(2);
    Duration shortest_interval = std::chrono::milliseconds(50);  ///< between announcements, however many nodes ask
    Duration forget = std::chrono::seconds(7);                   ///< a service that announced nothing for so long
    Duration retry = std::chrono::seconds(2);                    ///< after none of its addresses answered
  };
  /// The service to connect to, to see whether it answers.
  struct Trial {
    Id service;
    std::string endpoint;
    friend bool operator==(const Trial&, const Trial&) = default;
  };

  Election(Options options, Time now);

  bool in_charge() const { return !leader_.has_value(); }
  /// Of this service while it is in charge; zero on probation, and while it follows another.
  std::uint64_t term() const { return term_; }
  const std::optional<ServiceAddress>& leader() const { return leader_; }
  const std::optional<Trial>& trial() const { return trial_; }

  void handle_announced(const ServiceAddress& service, Time now);
  /// A node asked by beacon whether there is a service.
  void handle_question(Time now);
  void handle_term(std::uint64_t term);
  /// The service on trial has welcomed this one: from now on this one follows it. Requires: trial().
  void handle_answered(Time now);
  /// The service on trial did not answer, or another one answered.
  void handle_unanswered(Time now);
  /// The service that this one follows is gone, or not in charge any more.
  void handle_leader_lost(Time now);
  void handle_timeout(Time now);

  /// True each time an announcement is due.
  bool poll_announcement(Time now);
  Time poll_timeout() const;

 private:
  struct Candidate {
    ServiceAddress address;
    Time heard;
    Time not_before = Time::min();  // for a trial
    std::size_t next_endpoint = 0;
  };

  void reign(Time now);
  void end_probation(Time now);
  void announce_soon(Time now);
  void choose(Time now);
  void forget_oldest();

  Options options_;
  std::uint64_t term_ = 0;
  std::uint64_t heard_term_ = 0;
  Time began_;
  Time probation_ends_ = never;
  Time announced_ = Time::min();
  Time next_announcement_ = never;
  std::optional<ServiceAddress> leader_;
  std::optional<Trial> trial_;
  std::map<Id, Candidate> candidates_;  // the service on trial is one of them
};

}  // namespace galena::names
