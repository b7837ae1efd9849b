// SPDX-License-Identifier: Apache-2.0
#include "galena/net/reactor.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "galena/base/assert.hpp"
#include "galena/error.hpp"

namespace galena::net {
namespace {

void watch_fd(int epoll, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
    throw Error(ErrorCode::system, std::string("cannot watch a descriptor: ") + std::strerror(errno));
  }
}

}  // namespace

Reactor::Reactor() : epoll_(epoll_create1(EPOLL_CLOEXEC)), wake_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (epoll_ < 0 || wake_fd_ < 0) {
    const std::string why = std::strerror(errno);
    if (epoll_ >= 0) close(epoll_);
    if (wake_fd_ >= 0) close(wake_fd_);
    throw Error(ErrorCode::system, "cannot start a reactor: " + why + " (raise the limit of open files?)");
  }
  watch_fd(epoll_, wake_fd_);
}

Reactor::~Reactor() {
  GALENA_ASSERT(watches_.empty() && fds_.empty(), "a reactor was destroyed before the sockets it serves");
  close(wake_fd_);
  close(epoll_);
}

void Reactor::wake() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = write(wake_fd_, &one, sizeof one);  // EAGAIN: it is awake already
}

void Reactor::post(Callback call) {
  bool first = false;
  {
    std::lock_guard lock(posted_mutex_);
    first = posted_.empty();
    posted_.push_back(std::move(call));
  }
  if (first) wake();
}

void Reactor::stop() {
  stopped_.store(true, std::memory_order_release);
  wake();
}

void Reactor::run() {
  while (!stopped_.load(std::memory_order_acquire)) turn(Duration::max());
}

Reactor::TimerId Reactor::at(Time when, Callback call) {
  const TimerId id = ++last_timer_;
  timers_.emplace(std::pair{when, id}, std::move(call));
  timer_times_.emplace(id, when);
  return id;
}

void Reactor::cancel(TimerId id) {
  const auto it = timer_times_.find(id);
  if (it == timer_times_.end()) return;
  timers_.erase({it->second, id});
  timer_times_.erase(it);
}

void Reactor::add_fd(int fd, Callback readable) {
  watch_fd(epoll_, fd);
  fds_.emplace(fd, std::make_shared<Callback>(std::move(readable)));
}

void Reactor::remove_fd(int fd) {
  if (fds_.erase(fd) > 0) epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
}

int Reactor::wait_ms(Duration wait) const {
  if (!timers_.empty()) {
    const Time next = timers_.begin()->first.first;
    if (next != never) wait = std::min(wait, next - Clock::now());
  }
  if (wait <= Duration::zero()) return 0;
  constexpr Duration longest = std::chrono::hours(1);
  if (wait > longest) return wait == Duration::max() ? -1 : 3'600'000;
  return static_cast<int>(in_milliseconds(wait + std::chrono::microseconds(999)));  // up: early is a busy loop
}

void Reactor::turn(Duration wait) {
  serve_touched();
  epoll_event events[64];
  const int ready = epoll_wait(epoll_, events, 64, touched_.empty() ? wait_ms(wait) : 0);
  GALENA_ASSERT(ready >= 0 || errno == EINTR, std::strerror(errno));
  for (int i = 0; i < ready; ++i) {
    const int fd = events[i].data.fd;
    if (fd == wake_fd_) {
      std::uint64_t count = 0;
      [[maybe_unused]] const auto got = read(wake_fd_, &count, sizeof count);
    } else if (const auto watch = watches_.find(fd); watch != watches_.end()) {
      watch->second->touch();
    } else if (const auto plain = fds_.find(fd); plain != fds_.end()) {
      const auto keep = plain->second;  // the callback may remove itself
      (*keep)();
    }
  }
  run_posted();
  run_timers();
}

void Reactor::run_posted() {
  std::vector<Callback> calls;
  {
    std::lock_guard lock(posted_mutex_);
    calls.swap(posted_);
  }
  for (auto& call : calls) call();
}

void Reactor::run_timers() {
  if (timers_.empty()) return;
  const Time now = Clock::now();
  // Only those that are due already: one that sets itself again in the past must not keep all else waiting.
  std::vector<TimerId> due;
  for (auto it = timers_.begin(); it != timers_.end() && it->first.first <= now; ++it) due.push_back(it->first.second);
  for (const TimerId id : due) {
    const auto it = timer_times_.find(id);
    if (it == timer_times_.end()) continue;  // cancelled since
    const auto timer = timers_.extract({it->second, id});
    timer_times_.erase(it);
    timer.mapped()();
  }
}

/// Asks each touched socket for input and lets it read once. A socket that read is touched again by its reads, so it
/// is asked again in the next turn, after the others had theirs.
void Reactor::serve_touched() {
  std::vector<int> batch;
  batch.swap(touched_);
  for (int fd : batch) {
    const auto it = watches_.find(fd);
    if (it == watches_.end()) continue;  // destroyed since
    Watch& watch = *it->second;
    watch.touched_ = false;
    if (watch.has_input_()) {
      watch.touch();
      const auto keep = watch.readable_;  // the callback may destroy the watch
      keep();
    }
  }
}

Reactor::Watch::Watch(Reactor& reactor, int fd, std::function<bool()> has_input, Callback readable)
    : reactor_(reactor), fd_(fd), has_input_(std::move(has_input)), readable_(std::move(readable)) {
  watch_fd(reactor_.epoll_, fd_);
  const bool added = reactor_.watches_.emplace(fd_, this).second;
  GALENA_ASSERT(added, "a socket is watched twice");
  touch();
}

Reactor::Watch::~Watch() {
  reactor_.watches_.erase(fd_);
  epoll_ctl(reactor_.epoll_, EPOLL_CTL_DEL, fd_, nullptr);
}

void Reactor::Watch::touch() {
  if (touched_) return;
  touched_ = true;
  reactor_.touched_.push_back(fd_);
}

}  // namespace galena::net
