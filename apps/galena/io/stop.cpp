// SPDX-License-Identifier: Apache-2.0
#include "io/stop.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace galena::cli {

namespace {

constexpr Duration same_request = std::chrono::milliseconds(100);

int checked(int result) {
  if (result < 0) throw Error(ErrorCode::system, std::string("cannot watch for signals: ") + std::strerror(errno));
  return result;
}

/// A signal that was ignored from the start stays so: `nohup` asks for that.
sigset_t signals_to_take() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action {};
    ::sigaction(number, nullptr, &action);
    if (action.sa_handler != SIG_IGN) sigaddset(&signals, number);
  }
  return signals;
}

}  // namespace

Stop::Bell::Bell() { checked(::pipe2(ends_, O_CLOEXEC | O_NONBLOCK)); }

Stop::Bell::~Bell() {
  for (const int end : ends_) ::close(end);
}

void Stop::Bell::ring() { [[maybe_unused]] const auto written = ::write(ends_[1], "", 1); }

void Stop::Bell::clear() {
  char bytes[16];
  [[maybe_unused]] const auto size = ::read(ends_[0], bytes, sizeof bytes);
}

Stop::Stop() {
  const sigset_t signals = signals_to_take();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal_fd_ = checked(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  watcher_ = std::thread([this] { watch(); });
}

Stop::~Stop() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.ring();
  watcher_.join();
  ::close(signal_fd_);
}

void Stop::watch() {
  for (;;) {
    Time alarm = never;
    {
      const std::lock_guard lock(mutex_);
      if (ending_) return;
      if (!requested()) alarm = alarm_;
    }
    const Time next = std::min(alarm, requested() ? never : hint_at());
    pollfd fds[2] = {{signal_fd_, POLLIN, 0}, {changed_.fd(), POLLIN, 0}};
    const int ready = ::poll(fds, 2, poll_timeout(next));
    if (ready > 0 && fds[0].revents != 0) handle_signal();
    if (ready > 0 && fds[1].revents != 0) changed_.clear();
    if (ready != 0) continue;
    if (Clock::now() >= alarm) request(Cause::alarm);
    run_hint();
  }
}

Time Stop::hint_at() {
  const std::lock_guard lock(hint_mutex_);
  return hint_at_;
}

void Stop::run_hint() {
  const std::lock_guard lock(hint_mutex_);
  if (requested() || Clock::now() < hint_at_) return;
  hint_at_ = never;
  hint_();
}

void Stop::handle_signal() {
  signalfd_siginfo signal{};
  if (::read(signal_fd_, &signal, sizeof signal) != sizeof signal) return;
  const Time now = Clock::now();
  if (first_signal_ == never) {
    first_signal_ = now;
    request(Cause::signal);
  } else if (now - first_signal_ >= same_request) {
    const auto number = static_cast<int>(signal.ssi_signo);
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, number);
    std::signal(number, SIG_DFL);
    ::pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
    std::raise(number);
  }
}

void Stop::request(Cause cause) {
  const std::lock_guard lock(mutex_);
  Cause none = Cause::none;
  if (!cause_.compare_exchange_strong(none, cause)) return;
  for (const auto& run : actions_) run();
  requested_.ring();  // nobody ever reads it
}

void Stop::settle() { const std::lock_guard lock(mutex_); }

void Stop::set_alarm(Time when) {
  {
    const std::lock_guard lock(mutex_);
    alarm_ = when;
  }
  changed_.ring();
}

void Stop::set_hint(Time when, std::function<void()> say) {
  {
    const std::lock_guard lock(hint_mutex_);
    hint_at_ = when;
    hint_ = std::move(say);
  }
  changed_.ring();
}

bool Stop::wait_until(Time deadline, int watched) const {
  while (!requested()) {
    // POLLERR comes without being asked for.
    pollfd fds[2] = {{fd(), POLLIN, 0}, {watched, 0, 0}};
    const int ready = ::poll(fds, 2, poll_timeout(deadline));
    if (ready > 0 && fds[1].revents != 0 && fds[0].revents == 0) return false;
    if (ready == 0 && Clock::now() >= deadline) return requested();
  }
  return true;
}

Stop::Action::Action(Stop& stop, std::function<void()> run) : stop_(stop) {
  const std::lock_guard lock(stop_.mutex_);
  at_ = stop_.actions_.insert(stop_.actions_.end(), std::move(run));
  if (stop_.requested()) (*at_)();
}

Stop::Action::~Action() {
  const std::lock_guard lock(stop_.mutex_);
  stop_.actions_.erase(at_);
}

int poll_timeout(Time deadline) {
  if (deadline == never) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<long long>(left, 0, 1'000'000'000));
}

}  // namespace galena::cli
