// SPDX-License-Identifier: Apache-2.0
#include "galena/stage/loop.hpp"

#include <csignal>
#include <exception>
#include <future>
#include <mutex>
#include <string>
#include <system_error>

#include "galena/base/assert.hpp"
#include "galena/error.hpp"

namespace galena::detail {

namespace {

thread_local bool on_shared = false;
thread_local std::stop_token waits_end;
thread_local Loop* here = nullptr;  // whose thread this is
std::mutex waits_mutex;             // guards Loop::waits_for_

/// All signals are blocked on this thread, and on those that it starts.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

bool Loop::is_on_shared() { return on_shared; }
std::stop_token Loop::waits_end_here() { return waits_end; }

Loop::Loop(bool shared) {
  // The new thread inherits the mask, so that there is no moment when it could take a signal.
  const BlockedSignals blocked;
  try {
    thread_ = std::thread([this, shared] {
      on_shared = shared;
      waits_end = waits_.get_token();
      here = this;
      reactor_.run();
    });
  } catch (const std::system_error& error) {
    throw Error(ErrorCode::system, std::string("cannot start a thread: ") + error.what() +
                                       " (raise the limit of threads or memory, or see NodeOptions.threads)");
  }
}

Loop::~Loop() {
  GALENA_ASSERT(!is_here(), "a stage or node was destroyed inside one of its own handlers");
  reactor_.stop();
  thread_.join();
}

/// Marks, while it lives, that the thread of one loop waits for that of another. Throws Error if that would be a
/// circle.
class Loop::Wait {
 public:
  Wait(Loop* from, Loop* to) : from_(from) {
    const std::lock_guard lock(waits_mutex);
    for (const Loop* at = to; from_ != nullptr && at != nullptr; at = at->waits_for_) {
      if (at != from_) continue;
      throw Error(
          ErrorCode::invalid,
          "two handlers on shared threads (NodeOptions.threads) would wait for each other for ever: each makes or "
          "destroys a stage that lives on the other's thread. Do that outside of handlers");
    }
    if (from_ != nullptr) from_->waits_for_ = to;
  }
  ~Wait() { end(); }
  /// What was waited for has happened. The other loop says so before this thread goes on: it may call here next.
  void end() {
    const std::lock_guard lock(waits_mutex);
    if (from_ != nullptr) from_->waits_for_ = nullptr;
    from_ = nullptr;
  }
  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;

 private:
  Loop* from_;
};

void Loop::call(const std::function<void()>& call) {
  if (is_here()) {
    call();
    return;
  }
  process_.check("what this call is for");
  Wait wait(here, this);
  std::promise<void> done;
  post([&] {
    try {
      call();
      wait.end();
      done.set_value();
    } catch (...) {
      wait.end();
      done.set_exception(std::current_exception());
    }
  });
  done.get_future().get();
}

}  // namespace galena::detail
