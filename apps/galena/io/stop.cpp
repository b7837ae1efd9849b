// SPDX-License-Identifier: Apache-2.0
#include "io/stop.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace galena::cli {

// A signal handler gets nothing but a number.
std::atomic<Stop*> Stop::current_ = nullptr;

Stop::Stop() {
  if (::pipe2(pipe_, O_CLOEXEC | O_NONBLOCK) != 0) {
    throw Error(ErrorCode::system, std::string("cannot make a pipe: ") + std::strerror(errno));
  }
  current_ = this;
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  for (int number : {SIGINT, SIGTERM}) ::sigaction(number, &action, nullptr);
}

Stop::~Stop() {
  for (int number : {SIGINT, SIGTERM}) std::signal(number, SIG_DFL);
  current_ = nullptr;
  for (int end : pipe_) ::close(end);
}

void Stop::on_signal(int) {
  const int saved = errno;
  if (Stop* stop = current_) {
    stop->by_signal_ = true;
    stop->request();
  }
  for (int number : {SIGINT, SIGTERM}) std::signal(number, SIG_DFL);
  errno = saved;
}

void Stop::request() {
  // Once is enough; nobody ever reads the byte.
  if (!requested_.exchange(true)) {
    [[maybe_unused]] const auto written = ::write(pipe_[1], "", 1);
  }
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

int poll_timeout(Time deadline) {
  if (deadline == never) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<long long>(left, 0, 1'000'000'000));
}

}  // namespace galena::cli
