// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "galena/id.hpp"
#include "galena/names/service_address.hpp"
#include "galena/time.hpp"

namespace galena::names {

/// Decides which name service a node tries next. It begins at home: this host's own service, or the first one of a
/// fixed list. A service may redirect it. When a service does not answer or its connection ends, it begins at home
/// again.
class Route {
 public:
  struct Options {
    std::string local;                  ///< this host's service; not used if there is a fixed list
    std::vector<std::string> services;  ///< a fixed list, tried in order
    bool host = true;                   ///< become this host's service if there is none
    Duration first_pause = std::chrono::milliseconds(10);
    Duration longest_pause = std::chrono::seconds(1);
  };
  struct Target {
    std::string endpoint;
    Id expected;  ///< which service answers there; zero: any
  };
  enum class Step {
    none,     ///< go on with the present connection, or wait until poll_timeout()
    connect,  ///< to target(), dropping any other connection
    host,     ///< try to be this host's service, then handle_hosted()
  };

  explicit Route(Options options);

  /// What to do now. Each step is handed out once.
  Step poll(Time now);
  const Target& target() const { return target_; }
  /// When poll() has a step again without anything having happened; `never` while connected.
  Time poll_timeout() const { return state_ == State::pausing ? resume_ : never; }

  void handle_welcome(Time now);
  /// The service did not answer, or its connection has ended.
  void handle_failed(Time now);
  void handle_redirect(const ServiceAddress& to, Time now);
  void handle_hosted();
  /// A beacon told of this service: it is tried if home does not answer.
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
