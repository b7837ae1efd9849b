// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

#include "io/stop.hpp"

namespace galena::cli {

/// Standard output, for streams: gathers what is appended and writes it in large pieces. One thread.
class Output {
 public:
  /// How much is gathered at most before it is written (plus one event).
  static constexpr std::size_t gather_bytes = 64 << 10;

  Output(int fd, const Stop& stop);

  /// Append here, then call appended().
  std::string& buffer() { return buffer_; }
  /// False if nothing more can be written: then it throws away what comes.
  bool appended() { return buffer_.size() < gather_bytes ? !failed_ : flush(); }
  /// Writes all; waits as long as its reader does not read, but not for long once a stop was requested.
  bool flush();

  /// Its reader has gone, which is the reader's way to say that it has had enough.
  bool closed() const { return closed_; }
  /// What went wrong otherwise. Empty: nothing.
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
