// SPDX-License-Identifier: Apache-2.0
#include "io/lines.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include <poll.h>
#include <unistd.h>

namespace galena::cli {

std::optional<LineReader::Line> LineReader::next() {
  while (!stop_.requested()) {
    const std::size_t found = unread().find(delimiter_, scanned_ - begin_);
    const bool is_last = found == std::string_view::npos && ended_ && (end_ > begin_ || too_long_);
    if (found != std::string_view::npos || is_last) {
      Line line{unread().substr(0, found), std::exchange(too_long_, false)};
      begin_ = scanned_ = is_last ? end_ : begin_ + found + delimiter_.size();
      ++number_;
      line.too_long = line.too_long || line.bytes.size() > max_line_bytes;
      if (line.too_long) line.bytes = {};
      return line;
    }
    if (ended_) break;
    scanned_ = std::max(begin_, end_ - std::min(end_, delimiter_.size() - 1));
    if (!fill()) break;
  }
  return std::nullopt;
}

/// For at least one more byte.
void LineReader::make_room() {
  if (end_ - begin_ > max_line_bytes) {
    too_long_ = true;
    begin_ = scanned_;  // but for what may be the start of a delimiter
  }
  if (begin_ > 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    scanned_ -= begin_;
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ < capacity_) return;
  const std::size_t grown = std::max<std::size_t>(256 << 10, 2 * capacity_);
  std::unique_ptr<char[]> larger(new char[grown]);
  if (end_ > 0) std::memcpy(larger.get(), buffer_.get(), end_);
  buffer_ = std::move(larger);
  capacity_ = grown;
}

bool LineReader::fill() {
  make_room();
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
  std::uint64_t lines = 0;
  std::string_view rest = unread();
  for (std::size_t at = 0; (at = rest.find(delimiter_)) != std::string_view::npos; ++lines) {
    rest.remove_prefix(at + delimiter_.size());
  }
  return lines + (ended_ && !rest.empty() ? 1 : 0);
}

}  // namespace galena::cli
