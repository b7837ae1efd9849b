// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace chaos {

/// A file of lines that what kills this process cannot shorten: each line is with the kernel when add() returns. One
/// that starts anew goes on at its end, with a newline and the line "b": only the line that was being written when its
/// predecessor was killed stands directly before one.
class Journal {
 public:
  explicit Journal(const std::string& path)
      : file_(open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)) {
    if (file_ < 0) fail(path);
    write_all("\nb\n");
  }
  ~Journal() { close(file_); }
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// The line must not have its newline yet; what would look like one is replaced.
  void add(std::string line) {
    for (char& letter : line) {
      if (static_cast<unsigned char>(letter) < ' ' || static_cast<unsigned char>(letter) > '~') letter = '?';
    }
    line += '\n';
    write_all(line);
  }

 private:
  void write_all(std::string_view text) {
    if (write(file_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) fail("the journal");
  }
  [[noreturn]] static void fail(const std::string& what) {
    std::perror(what.c_str());
    std::abort();
  }

  int file_;
};

}  // namespace chaos
