// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <stop_token>

#include "galena/stage/loop.hpp"
#include "galena/time.hpp"

namespace galena::detail {

/// Requested to stop as soon as one of two tokens is.
class StopOfEither {
 public:
  StopOfEither(const std::stop_token& one, const std::stop_token& other) {
    if (!one.stop_possible() || !other.stop_possible()) {
      token_ = one.stop_possible() ? one : other;
      return;
    }
    source_ = std::stop_source();
    token_ = source_.get_token();
    on_one_.emplace(one, Request{source_});
    on_other_.emplace(other, Request{source_});
  }
  const std::stop_token& token() const { return token_; }

 private:
  struct Request {
    std::stop_source& source;
    void operator()() const { source.request_stop(); }
  };

  std::stop_token token_;
  std::stop_source source_{std::nostopstate};  // has a state if both can be requested
  std::optional<std::stop_callback<Request>> on_one_;
  std::optional<std::stop_callback<Request>> on_other_;
};

/// Waits on `changed` until done(), until `deadline` or `stop` (null: neither ends it), or until the waits of this
/// thread's loop are ended. Returns done(). A call that waits for something in the stage layer waits here.
template <class Mutex, class Done>
bool wait_until(std::condition_variable_any& changed, std::unique_lock<Mutex>& lock, Time deadline,
                const std::stop_token* stop, Done done) {
  const StopOfEither ended(Loop::waits_end_here(), stop != nullptr ? *stop : std::stop_token());
  if (deadline == never) return changed.wait(lock, ended.token(), done);
  return changed.wait_until(lock, ended.token(), deadline, done);
}

}  // namespace galena::detail
