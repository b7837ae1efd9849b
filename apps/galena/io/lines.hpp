// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "io/stop.hpp"

namespace galena::cli {

/// The lines of a file, read in large pieces. A requested stop ends the wait for more.
class LineReader {
 public:
  static constexpr std::size_t max_line_bytes = 64 << 20;

  struct Line {
    std::string_view bytes;  ///< without the delimiter; valid until the next call
    bool too_long = false;   ///< longer than max_line_bytes: passed over, and `bytes` is empty
  };

  /// Requires: `delimiter`, which ends a line, has at least one byte.
  LineReader(int fd, const Stop& stop, std::string delimiter = "\n")
      : fd_(fd), stop_(stop), delimiter_(std::move(delimiter)) {}

  /// The next line; the last one need not have a delimiter. Empty at the end, and when a stop was requested. Throws
  /// Error (system).
  std::optional<Line> next();
  /// The number of the line that next() returned last, counted from 1.
  std::uint64_t number() const { return number_; }
  /// How many lines were read from the file and not returned yet.
  std::uint64_t left() const;

 private:
  /// Reads more. False if a stop was requested first.
  bool fill();
  void make_room();
  std::string_view unread() const { return {buffer_.get() + begin_, end_ - begin_}; }

  int fd_;
  const Stop& stop_;
  std::string delimiter_;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;    // of what was not given out
  std::size_t scanned_ = 0;  // no delimiter begins in [begin_, scanned_)
  std::size_t end_ = 0;
  bool too_long_ = false;  // the line at begin_: what came of it before is thrown away
  bool ended_ = false;
  std::uint64_t number_ = 0;
};

}  // namespace galena::cli
