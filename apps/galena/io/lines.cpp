// SPDX-License-Identifier: Apache-2.0
#include "io/lines.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include <poll.h>
#include <unistd.h>

namespace galena::cli {

std::optional<std::string_view> LineReader::next() {
  while (!stop_.requested()) {
    const char* start = buffer_.get() + scanned_;
    const auto* newline =
        end_ > scanned_ ? static_cast<const char*>(std::memchr(start, '\n', end_ - scanned_)) : nullptr;
    if (newline != nullptr || (ended_ && end_ > begin_)) {
      const std::size_t upto = newline != nullptr ? static_cast<std::size_t>(newline - buffer_.get()) : end_;
      const std::string_view line(buffer_.get() + begin_, upto - begin_);
      begin_ = scanned_ = std::min(upto + 1, end_);
      ++number_;
      return line;
    }
    if (ended_) break;
    scanned_ = end_;
    if (!fill()) break;
  }
  return std::nullopt;
}

bool LineReader::fill() {
  if (begin_ > 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    scanned_ -= begin_;
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == capacity_) {
    if (capacity_ > max_line_bytes) {
      throw Error(ErrorCode::invalid, "line " + std::to_string(number_ + 1) + " is longer than 16 MiB");
    }
    const std::size_t grown = std::max<std::size_t>(256 << 10, 2 * capacity_);
    std::unique_ptr<char[]> larger(new char[grown]);
    if (end_ > 0) std::memcpy(larger.get(), buffer_.get(), end_);
    buffer_ = std::move(larger);
    capacity_ = grown;
  }
  while (!stop_.requested()) {
    pollfd fds[2] = {{fd_, POLLIN, 0}, {stop_.fd(), POLLIN, 0}};
    if (::poll(fds, 2, -1) < 0 || fds[0].revents == 0) continue;
    const ssize_t size = ::read(fd_, buffer_.get() + end_, capacity_ - end_);
    if (size < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (size < 0) throw Error(ErrorCode::system, std::string("cannot read standard input: ") + std::strerror(errno));
    end_ += static_cast<std::size_t>(size);
    ended_ = size == 0;
    return true;
  }
  return false;
}

std::uint64_t LineReader::left() const {
  const char* begin = buffer_.get() + begin_;
  const char* end = buffer_.get() + end_;
  const auto lines = static_cast<std::uint64_t>(std::count(begin, end, '\n'));
  return lines + (ended_ && begin != end && end[-1] != '\n' ? 1 : 0);
}

}  // namespace galena::cli
