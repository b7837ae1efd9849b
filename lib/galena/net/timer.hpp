// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include "galena/net/reactor.hpp"

namespace galena::net {

/// One timer of a reactor that is set again and again, for an owner that knows when it wants to be called next.
/// Thread: the reactor's.
class Timer {
 public:
  /// `call` may set the timer again, or destroy it.
  Timer(Reactor& reactor, Reactor::Callback call) : reactor_(reactor), call_(std::move(call)) {}
  ~Timer() { reactor_.cancel(id_); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  /// Calls once, at `when` or soon after, instead of when it was set for before. `never`: not at all.
  void set(Time when) {
    if (when == when_) return;
    reactor_.cancel(id_);
    when_ = when;
    id_ = when == never ? 0 : reactor_.at(when, [this] {
      when_ = never;
      id_ = 0;
      const auto call = call_;
      call();
    });
  }

 private:
  Reactor& reactor_;
  Reactor::Callback call_;
  Reactor::TimerId id_ = 0;
  Time when_ = never;  // what id_ is set for
};

}  // namespace galena::net
