// SPDX-License-Identifier: Apache-2.0
#include "galena/stage/loop.hpp"

#include <csignal>
#include <exception>
#include <future>

#include "galena/base/assert.hpp"

namespace galena::detail {

namespace {

thread_local bool on_shared = false;
thread_local std::stop_token waits_end;

}  // namespace

bool Loop::is_on_shared() { return on_shared; }
std::stop_token Loop::waits_end_here() { return waits_end; }

Loop::Loop(bool shared) {
  // The new thread inherits the mask, so that there is no moment when it could take a signal.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this, shared] {
    on_shared = shared;
    waits_end = waits_.get_token();
    reactor_.run();
  });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
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
