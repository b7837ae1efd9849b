// SPDX-License-Identifier: Apache-2.0
#pragma once

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
  /// True if it rang since it was last waited for; false if `deadline` passed first, or `end` rang.
  bool wait(Time deadline, const Bell* end = nullptr);
  int fd() const { return fd_; }

 private:
  int fd_;
};

/// While it lives, SIGINT and SIGTERM ring the bell instead of ending the program. A signal that comes 200 ms or more
/// after the first one does what it did before there was a scope. A signal that the program ignores stays ignored.
/// Scopes may overlap, on any threads: the first signal rings the bells of all. After the last scope the program's own
/// handlers are back; if the scope ended because of a signal, they come back with the next one after those 200 ms.
class SignalScope {
 public:
  /// `bell` must outlive the scope. Throws galena::Error if there are 16 scopes already.
  explicit SignalScope(Bell& bell);
  ~SignalScope();
  SignalScope(const SignalScope&) = delete;
  SignalScope& operator=(const SignalScope&) = delete;

 private:
  int slot_;
};

}  // namespace galena::net
