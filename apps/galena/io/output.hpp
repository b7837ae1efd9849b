// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

#include "io/stop.hpp"

namespace galena::cli {

/// Standard output for a stream of events: gathers what is appended and writes it in large pieces.
/// Thread: one at a time.
class Output {
 public:
  /// How much is gathered at most before it is written (plus one event).
  static constexpr std::size_t gather_bytes = 64 << 10;

  Output(int fd, const Stop& stop);
  /// Throws Error (system) if standard output is closed: nothing would ever be printed.
  static Output standard(const Stop& stop);

  /// Append here, then call appended().
  std::string& buffer() { return buffer_; }
  /// Returns false if nothing more can be written; then the buffer is thrown away.
  bool appended() { return buffer_.size() < gather_bytes ? !failed_ : flush(); }
  /// Writes everything. Blocks while the reader does not read; for at most a second once a stop was requested.
  bool flush();

  /// True once the reader has closed its end, as `head` does when it has enough lines.
  bool closed() const { return closed_; }
  /// Any other failure; empty if there was none.
  const std::string& error() const { return error_; }

 private:
  bool writable() const;
  bool fail(std::string error);

  int fd_;
  const Stop& stop_;
  std::size_t piece_;  // as much as can be written without blocking once poll() says that something can
  std::string buffer_;
  bool failed_ = false;
  bool closed_ = false;
  std::string error_;
};

}  // namespace galena::cli
