// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>

#include <galena/galena.hpp>

namespace galena::cli {

/// The request to end, made by the first SIGINT or SIGTERM or by the program itself. While the object lives it handles
/// both signals; after the first one, a second ends the program as usual.
/// Requires: there is at most one object of this class at a time.
class Stop {
 public:
  Stop();
  ~Stop();
  Stop(const Stop&) = delete;
  Stop& operator=(const Stop&) = delete;

  /// Thread: any.
  void request();
  bool requested() const { return requested_.load(std::memory_order_relaxed); }
  bool by_signal() const { return by_signal_.load(std::memory_order_relaxed); }
  /// For poll(): readable from the request on.
  int fd() const { return pipe_[0]; }

  /// Blocks until the request, until `deadline`, or until the pipe that `watched` writes to has no reader any more.
  /// Returns true if a stop was requested.
  bool wait_until(Time deadline, int watched = -1) const;

 private:
  static void on_signal(int number);
  static std::atomic<Stop*> current_;

  int pipe_[2] = {-1, -1};
  std::atomic<bool> requested_ = false;
  std::atomic<bool> by_signal_ = false;
};

/// How long the events that are still on their way may take after a signal.
inline constexpr Duration drain_after_signal = std::chrono::seconds(5);

/// A wait of the library takes a time and not a file descriptor. It is repeated in slices of this length, so that a
/// signal ends it as soon as a person can tell.
inline constexpr Duration slice = std::chrono::milliseconds(100);

/// For poll(): the time until `deadline` in milliseconds, rounded up so that no caller spins in the last one.
int poll_timeout(Time deadline);

}  // namespace galena::cli
