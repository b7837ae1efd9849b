// SPDX-License-Identifier: Apache-2.0
#include "galena/net/signals.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <mutex>

#include "galena/base/assert.hpp"
#include "galena/error.hpp"

namespace galena::net {
namespace {

// A signal handler can reach nothing but globals: the bells of the Node::run()s that are going on now.
std::array<std::atomic<int>, 16> bells{};  // a descriptor plus one; 0: free
std::mutex handlers_mutex;
int scopes = 0;
struct sigaction before_int;
struct sigaction before_term;

void ring_fd(int fd) {
  const int error = errno;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = write(fd, &one, sizeof one);
  errno = error;
}

void on_signal(int) {
  for (auto& slot : bells) {
    if (const int bell = slot.load(); bell != 0) ring_fd(bell - 1);
  }
}

}  // namespace

Bell::Bell() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (fd_ < 0) throw Error(ErrorCode::system, "cannot open an eventfd (raise the limit of open files?)");
}

Bell::~Bell() { close(fd_); }

void Bell::ring() { ring_fd(fd_); }

bool Bell::wait(std::optional<Time> deadline) {
  for (;;) {
    std::uint64_t count = 0;
    if (read(fd_, &count, sizeof count) == sizeof count) return true;
    int timeout = -1;
    if (deadline) {
      const auto left = in_milliseconds(*deadline - Clock::now() + std::chrono::microseconds(999));
      if (left <= 0) return false;
      timeout = static_cast<int>(std::min<long long>(left, 3'600'000));
    }
    pollfd poll_fd{fd_, POLLIN, 0};
    poll(&poll_fd, 1, timeout);
  }
}

SignalScope::SignalScope(Bell& bell) : slot_(-1) {
  for (std::size_t i = 0; i < bells.size() && slot_ < 0; ++i) {
    int free = 0;
    if (bells[i].compare_exchange_strong(free, bell.fd() + 1)) slot_ = static_cast<int>(i);
  }
  GALENA_ASSERT(slot_ >= 0, "more Node::run()s at a time than there are slots");
  const std::lock_guard lock(handlers_mutex);
  if (scopes++ > 0) return;
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = static_cast<int>(SA_RESTART | SA_RESETHAND);
  sigaction(SIGINT, &action, &before_int);
  sigaction(SIGTERM, &action, &before_term);
}

SignalScope::~SignalScope() {
  {
    const std::lock_guard lock(handlers_mutex);
    if (--scopes == 0) {
      sigaction(SIGINT, &before_int, nullptr);
      sigaction(SIGTERM, &before_term, nullptr);
    }
  }
  bells[static_cast<std::size_t>(slot_)] = 0;
}

}  // namespace galena::net
