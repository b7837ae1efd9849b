// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "galena/id.hpp"
#include "galena/names/service_address.hpp"
#include "galena/time.hpp"

namespace galena::names {

/// Which name service a node tries next. Home is this host's own service, or a fixed list; a service may redirect, and
/// whenever that leads nowhere one goes home again.
class Route {
 public:
  struct Options {
    std::string local;                  ///< this host's service; not used if there is a fixed list
    std::vector<std::string> services;  ///< a fixed list, tried in order
    bool host = true;                   ///< be this host's service if nobody is
    Duration first_pause = std::chrono::milliseconds(10);
    Duration longest_pause = std::chrono::seconds(1);
  };
  struct Target {
    std::string endpoint;
    Id expected;  ///< which service answers there; zero: any
  };
  enum class Step {
    none,     ///< what is under way goes on, or wait until poll_timeout()
    connect,  ///< to target(), dropping any other connection
    host,     ///< try to be this host's service, then handle_hosted()
  };

  explicit Route(Options options);

  /// What to do now. Each step is handed out once.
  Step poll(Time now);
  const Target& target() const { return target_; }
  /// When poll() has something to say of itself; never while connected.
  Time poll_timeout() const { return state_ == State::pausing ? resume_ : never; }

  void handle_welcome(Time now);
  /// The connection came to nothing, or to an end.
  void handle_failed(Time now);
  void handle_redirect(const ServiceAddress& to, Time now);
  void handle_hosted();
  /// Another way to ask, in case home does not answer: a service that was heard of.
  void suggest(const ServiceAddress& service, Time now);

 private:
  enum class State { pausing, hosting, trying, welcome };

  void go_home();
  void try_next(Time now);
  void pause(Time now);
  bool is_local(const Target& target) const { return options_.services.empty() && target.endpoint == options_.local; }

  Options options_;
  State state_ = State::pausing;
  Step due_ = Step::none;
  Time resume_ = Time::min();
  Time welcomed_ = Time::min();
  Duration pause_{};
  Target target_;
  std::deque<Target> targets_;  // to try before pausing
  bool hosted_ = false;         // tried since the last pause
  unsigned redirects_ = 0;      // since the last welcome
  std::vector<Target> suggested_;
};

}  // namespace galena::names
