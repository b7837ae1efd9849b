// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <stop_token>
#include <utility>

#include "galena/export.hpp"
#include "galena/time.hpp"

namespace galena {

/// How long a call may wait: for a time, until a stop is requested, or until the first of the two. A call that has one
/// as its parameter takes what it is made of: `drain(5s)`, `drain(stop_token)`, `drain({5s, stop_token})`. The time
/// begins when the Until is made, so that several calls may have one together.
class Until {
 public:
  /// `timeout` from now. Duration::max() is for ever.
  template <class Count, class Period>
  // NOLINTNEXTLINE(google-explicit-constructor)
  Until(std::chrono::duration<Count, Period> timeout, std::stop_token stop = {})
      : Until(detail::deadline_in(timeout), std::move(stop)) {}
  // NOLINTNEXTLINE(google-explicit-constructor)
  Until(Time deadline, std::stop_token stop = {}) : deadline_(deadline), stop_(std::move(stop)) {}
  Until(std::stop_token stop) : Until(never, std::move(stop)) {}  // NOLINT(google-explicit-constructor)

  /// `never`, if only the stop ends the wait.
  Time deadline() const { return deadline_; }
  const std::stop_token& stop() const { return stop_; }

 private:
  Time deadline_;
  std::stop_token stop_;
};

}  // namespace galena
