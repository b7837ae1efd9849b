// SPDX-License-Identifier: Apache-2.0
#include "io/output.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <string_view>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace galena::cli {

namespace {
// How long a reader that does not read may hold up the end.
constexpr Duration patience = std::chrono::seconds(1);
}  // namespace

// A blocking write could not be interrupted by a stop, and O_NONBLOCK would be set for everybody who shares this
// output. But poll() promises room for PIPE_BUF bytes in a pipe, and a regular file never blocks.
Output::Output(int fd, const Stop& stop) : fd_(fd), stop_(stop) {
  struct stat about {};
  piece_ = ::fstat(fd_, &about) == 0 && S_ISREG(about.st_mode) ? gather_bytes : PIPE_BUF;
  buffer_.reserve(gather_bytes + 4096);
}

Output Output::standard(const Stop& stop) {
  if ((::fcntl(STDOUT_FILENO, F_GETFL) & O_ACCMODE) == O_RDONLY) {
    throw Error(ErrorCode::system, "standard output is closed, or open for reading only");
  }
  return {STDOUT_FILENO, stop};
}

bool Output::writable() const {
  bool stopping = stop_.requested();
  Time deadline = stopping ? Clock::now() + patience : never;
  for (;;) {
    pollfd fds[2] = {{fd_, POLLOUT, 0}, {stopping ? -1 : stop_.fd(), POLLIN, 0}};
    const int ready = ::poll(fds, 2, poll_timeout(deadline));
    if (ready > 0 && fds[0].revents != 0) return true;
    if (stopping && ready == 0) return false;
    if (!stopping && stop_.requested()) {
      stopping = true;
      deadline = Clock::now() + patience;
    }
  }
}

bool Output::flush() {
  std::string_view rest = buffer_;
  while (!rest.empty() && !failed_) {
    if (!writable()) return fail("nobody reads standard output");
    const ssize_t size = ::write(fd_, rest.data(), std::min(rest.size(), piece_));
    if (size >= 0) {
      rest.remove_prefix(static_cast<std::size_t>(size));
    } else if (errno == EPIPE) {
      closed_ = true;
      return fail({});
    } else if (errno != EINTR && errno != EAGAIN) {
      return fail(std::string("cannot write to standard output: ") + std::strerror(errno));
    }
  }
  buffer_.clear();
  return !failed_;
}

bool Output::fail(std::string error) {
  failed_ = true;
  error_ = std::move(error);
  buffer_.clear();
  return false;
}

}  // namespace galena::cli
