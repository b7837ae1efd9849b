// SPDX-License-Identifier: Apache-2.0
#include "galena/net/signals.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <mutex>
#include <thread>

#include "galena/error.hpp"

namespace galena::net {
namespace {

/// A signal that comes sooner than this after the first one is the same request: `timeout` sends two in a row.
constexpr Duration repeat_after = std::chrono::milliseconds(200);

/// One of the two signals. `before` is written only while our handler is not installed, because the handler reads it.
struct Handled {
  int number;
  std::atomic<bool> installed{false};
  struct sigaction before {};
};

// A signal handler can reach nothing but globals: the bells of the Node::run()s that are going on now.
std::array<std::atomic<int>, 16> bells{};  // a descriptor plus one; 0: free
std::array<Handled, 2> handled{Handled{SIGINT}, Handled{SIGTERM}};
std::atomic<Time::rep> first_signal{0};  // since the last Node::run() began; 0: there was none
std::atomic<int> handlers_running{0};
std::mutex scopes_mutex;
int scopes = 0;

void ring_fd(int fd) {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = write(fd, &one, sizeof one);
}

Time::rep now() { return Clock::now().time_since_epoch().count(); }
bool is_recent(Time::rep signal) { return signal != 0 && Duration(now() - signal) < repeat_after; }

void on_signal(int number) {
  const int error = errno;
  ++handlers_running;
  Time::rep first = 0;
  if (first_signal.compare_exchange_strong(first, now()) || is_recent(first)) {
    for (auto& bell : bells) {
      if (const int fd = bell.load(); fd != 0) ring_fd(fd - 1);
    }
  } else {
    for (Handled& each : handled) {
      if (each.number != number) continue;
      sigaction(number, &each.before, nullptr);
      each.installed = false;
      raise(number);  // delivered when this handler has returned
    }
  }
  --handlers_running;
  errno = error;
}

bool is_ours(const struct sigaction& action) {
  return (action.sa_flags & SA_SIGINFO) == 0 && action.sa_handler == on_signal;
}

void install(Handled& signal) {
  struct sigaction present {};
  sigaction(signal.number, nullptr, &present);
  if (is_ours(present)) return;
  const bool ignored = (present.sa_flags & SA_SIGINFO) == 0 && present.sa_handler == SIG_IGN;
  if (ignored) return;  // as `nohup` and `trap ''` ask for
  signal.before = present;
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  signal.installed = true;
  sigaction(signal.number, &action, nullptr);
}

void restore(Handled& signal) {
  struct sigaction present {};
  sigaction(signal.number, nullptr, &present);
  if (signal.installed.exchange(false) && is_ours(present)) sigaction(signal.number, &signal.before, nullptr);
}

}  // namespace

Bell::Bell() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (fd_ < 0) throw Error(ErrorCode::system, "cannot open an eventfd (raise the limit of open files?)");
}

Bell::~Bell() { close(fd_); }

void Bell::ring() {
  const int error = errno;
  ring_fd(fd_);
  errno = error;
}

bool Bell::wait(Time deadline, const Bell* end) {
  for (;;) {
    std::uint64_t count = 0;
    if (read(fd_, &count, sizeof count) == sizeof count) return true;
    int timeout = -1;
    if (deadline != never) {
      const auto left = in_milliseconds(deadline - Clock::now() + std::chrono::microseconds(999));
      if (left <= 0) return false;
      timeout = static_cast<int>(std::min<long long>(left, 3'600'000));
    }
    pollfd fds[] = {{fd_, POLLIN, 0}, {end != nullptr ? end->fd() : -1, POLLIN, 0}};  // -1 is passed over
    if (poll(fds, 2, timeout) > 0 && fds[0].revents == 0) return false;
  }
}

SignalScope::SignalScope(Bell& bell) : slot_(-1) {
  for (std::size_t i = 0; i < bells.size() && slot_ < 0; ++i) {
    int free = 0;
    if (bells[i].compare_exchange_strong(free, bell.fd() + 1)) slot_ = static_cast<int>(i);
  }
  if (slot_ < 0) throw Error(ErrorCode::invalid, "at most 16 calls of Node::run() can go on at a time in one process");
  const std::lock_guard lock(scopes_mutex);
  first_signal = 0;
  ++scopes;
  for (Handled& signal : handled) install(signal);
}

SignalScope::~SignalScope() {
  {
    const std::lock_guard lock(scopes_mutex);
    // A second signal of the same request may be on its way: then the handler stays, and removes itself.
    if (--scopes == 0 && !is_recent(first_signal)) {
      for (Handled& signal : handled) restore(signal);
    }
  }
  bells[static_cast<std::size_t>(slot_)] = 0;
  while (handlers_running > 0) std::this_thread::yield();  // one may be about to write to the bell's descriptor
}

}  // namespace galena::net
