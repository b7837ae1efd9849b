// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "galena/time.hpp"

namespace galena::common {

/// Another process of this program, started with other arguments. Its standard output is a pipe that the parent reads
/// line by line. The child has a process group of its own, so that Ctrl-C reaches the parent alone, which then ends its
/// children in the right order.
/// Thread: that of the owner.
class Child {
 public:
  /// Throws Error (system).
  explicit Child(const std::vector<std::string>& arguments);
  /// Kills it if it still runs.
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Readable when a line may have come, or the end of the output.
  int descriptor() const { return output_; }
  /// Reads what has come, without waiting. After that next_line() has it.
  void read_output();
  /// The next whole line. Empty if none has come.
  std::optional<std::string> next_line();
  /// The same, waiting for one. Empty at the end of the output, or at the deadline.
  std::optional<std::string> wait_for_line(Time deadline);
  /// It has closed its output, which it does only by ending.
  bool finished() const { return finished_; }

  /// Asks it to end, with SIGTERM.
  void terminate();
  /// Returns its exit code, or 128 + the signal that ended it.
  /// Requires: finished().
  int exit_code();

 private:
  pid_t pid_ = -1;
  int output_ = -1;
  std::string text_;
  bool finished_ = false;
};

/// For a child: prints a line for its parent at once, and whole even if several threads do so.
void print_line(const std::string& line);

/// For a child, first: ends this process when its parent ends, however that happens.
void die_with_parent();

}  // namespace galena::common
