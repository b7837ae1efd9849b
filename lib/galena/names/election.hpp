// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "galena/names/service_address.hpp"
#include "galena/time.hpp"

namespace galena::names {

/// Which of the name services of a domain is in charge, as one of them sees it. Those in charge announce themselves;
/// who hears of one that goes before it connects to it, and follows only once that one has answered there: what is
/// heard is a hint, the connection is the proof. When the connection ends the follower is in charge again. Without a
/// socket.
class Election {
 public:
  struct Options {
    Id id;
    bool dedicated = false;
    Duration probation = std::chrono::milliseconds(500);  ///< in charge, but behind all who were so before
    Duration quick_interval = std::chrono::milliseconds(250);
    Duration quick_for = std::chrono::seconds(2);
    Duration slow_interval = std::chrono::seconds(2);
    Duration shortest_interval = std::chrono::milliseconds(50);  ///< however many ask
    Duration forget = std::chrono::seconds(7);                   ///< who announced nothing for so long
    Duration retry = std::chrono::seconds(2);                    ///< who did not answer there
  };
  /// Whom to connect to, to see whether it answers.
  struct Trial {
    Id service;
    std::string endpoint;
    friend bool operator==(const Trial&, const Trial&) = default;
  };

  Election(Options options, Time now);

  bool in_charge() const { return !leader_.has_value(); }
  /// Of our reign; zero while on probation, and while following.
  std::uint64_t term() const { return term_; }
  const std::optional<ServiceAddress>& leader() const { return leader_; }
  const std::optional<Trial>& trial() const { return trial_; }

  void handle_announced(const ServiceAddress& service, Time now);
  /// Somebody asked who is there.
  void handle_question(Time now);
  void handle_term(std::uint64_t term);
  /// The one on trial answered, and is in charge; it is followed from now on.
  void handle_answered(Time now);
  /// The one on trial did not answer, or is not who it was thought to be.
  void handle_unanswered(Time now);
  /// The one followed is gone, or not in charge any more.
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
  Time probation_ends_ = never;  // end of the probation
  Time announced_ = Time::min();
  Time next_announcement_ = never;
  std::optional<ServiceAddress> leader_;
  std::optional<Trial> trial_;
  std::map<Id, Candidate> candidates_;  // among them the one on trial
};

}  // namespace galena::names
