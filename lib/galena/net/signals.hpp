// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "galena/time.hpp"

namespace galena::net {

/// Something that one thread waits for and others (or a signal handler) set off.
class Bell {
 public:
  Bell();
  ~Bell();
  Bell(const Bell&) = delete;
  Bell& operator=(const Bell&) = delete;

  /// Async-signal-safe. Any thread.
  void ring();
  /// True if it rang since it was last waited for; false if `deadline` passed first.
  bool wait(std::optional<Time> deadline);
  int fd() const { return fd_; }

 private:
  int fd_;
};

/// While it lives, SIGINT and SIGTERM ring the bell instead of ending the program; the second one of a kind ends it.
class SignalScope {
 public:
  explicit SignalScope(Bell& bell);
  ~SignalScope();
  SignalScope(const SignalScope&) = delete;
  SignalScope& operator=(const SignalScope&) = delete;

 private:
  int slot_;
};

}  // namespace galena::net
