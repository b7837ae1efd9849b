// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <stop_token>
#include <thread>

#include "galena/base/process.hpp"
#include "galena/net/reactor.hpp"

namespace galena::detail {

/// A thread that runs a reactor. What lives on it is made and destroyed there, by call(). All signals are blocked on
/// it: they are the program's own threads' business.
class Loop {
 public:
  /// `shared`: several stages live on it. Throws Error (system) if no thread can be started.
  explicit Loop(bool shared = false);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  net::Reactor& reactor() { return reactor_; }
  bool is_here() const { return std::this_thread::get_id() == thread_.get_id(); }

  /// This thread is that of a shared loop, of whichever.
  static bool is_on_shared();
  /// Of this thread's loop: end_waits() was called. A token that nothing stops on all other threads.
  static std::stop_token waits_end_here();
  /// What waits on the thread ends, and nothing waits there any more. Any thread.
  void end_waits() { waits_.request_stop(); }

  /// Any thread.
  void post(net::Reactor::Callback call) { reactor_.post(std::move(call)); }
  /// Runs `call` on the thread and returns when it has; rethrows what it throws. Any thread, this one too. Throws Error
  /// in a process that was forked since: the thread is not there.
  /// Throws Error instead of waiting if the thread itself waits, directly or through others, for the calling one.
  void call(const std::function<void()>& call);

 private:
  class Wait;

  ProcessMark process_;
  Loop* waits_for_ = nullptr;  // whose thread this one's waits for, in call(); guarded by a mutex of all loops
  net::Reactor reactor_;
  std::stop_source waits_;
  std::thread thread_;
};

}  // namespace galena::detail
