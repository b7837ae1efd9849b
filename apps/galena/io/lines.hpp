// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "io/stop.hpp"

namespace galena::cli {

/// The lines of a file, read in large pieces. A requested stop ends the wait for more.
class LineReader {
 public:
  static constexpr std::size_t max_line_bytes = 16 << 20;

  LineReader(int fd, const Stop& stop) : fd_(fd), stop_(stop) {}

  /// The next line without its newline (the last one need not have any), valid until the next call. Empty at the end,
  /// and when a stop was requested. Throws Error: system, or invalid if the line is longer than max_line_bytes.
  std::optional<std::string_view> next();
  /// The number of the line that next() returned last, counted from 1.
  std::uint64_t number() const { return number_; }
  /// How many lines were read from the file and not returned yet.
  std::uint64_t left() const;

 private:
  /// Reads more. False if a stop was requested first.
  bool fill();

  int fd_;
  const Stop& stop_;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;    // of what was not given out
  std::size_t scanned_ = 0;  // no newline in [begin_, scanned_)
  std::size_t end_ = 0;
  bool ended_ = false;
  std::uint64_t number_ = 0;
};

}  // namespace galena::cli
