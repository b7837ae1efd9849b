// SPDX-License-Identifier: Apache-2.0
#include "galena/stage/loop.hpp"

#include <csignal>
#include <exception>
#include <future>
#include <string>
#include <system_error>

#include "galena/base/assert.hpp"
#include "galena/error.hpp"

namespace galena::detail {

namespace {

thread_local bool on_shared = false;

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
  sigset_t before_;
};

}  // namespace

bool Loop::is_on_shared() { return on_shared; }

Loop::Loop(bool shared) {
  // The new thread inherits the mask, so that there is no moment when it could take a signal.
  const BlockedSignals blocked;
  try {
    thread_ = std::thread([this, shared] {
      on_shared = shared;
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

void Loop::call(const std::function<void()>& call) {
  if (is_here()) {
    call();
    return;
  }
  process_.check("what this call is for");
  std::promise<void> done;
  post([&] {
    try {
      call();
      done.set_value();
    } catch (...) {
      done.set_exception(std::current_exception());
    }
  });
  done.get_future().get();
}

}  // namespace galena::detail
