// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>

#include <galena/galena.hpp>

namespace galena::cli {

/// The one wish to end: SIGINT, SIGTERM, or the program itself. From construction to destruction the first of the two
/// signals makes it; a second one ends the program as usual. There is one at a time.
class Stop {
 public:
  Stop();
  ~Stop();
  Stop(const Stop&) = delete;
  Stop& operator=(const Stop&) = delete;

  /// Any thread.
  void request();
  bool requested() const { return requested_.load(std::memory_order_relaxed); }
  bool by_signal() const { return by_signal_.load(std::memory_order_relaxed); }
  /// Becomes readable with the wish, and stays so: for poll().
  int fd() const { return pipe_[0]; }

  /// Blocks until the wish, or until `deadline`, or until the reader of the pipe that `watched` writes to has gone.
  /// True if it was the wish.
  bool wait_until(Time deadline, int watched = -1) const;

 private:
  static void on_signal(int number);
  static std::atomic<Stop*> current_;

  int pipe_[2] = {-1, -1};
  std::atomic<bool> requested_ = false;
  std::atomic<bool> by_signal_ = false;
};

/// How long what is on its way may take once a signal came.
inline constexpr Duration drain_after_signal = std::chrono::seconds(5);

/// A wait of the library takes a time and not a file descriptor. It is repeated in slices of this length, so that a
/// signal ends it as soon as a person can tell.
inline constexpr Duration slice = std::chrono::milliseconds(100);

/// For poll(): up to `deadline` from now, rounded up, so that nobody spins over the last fraction of a millisecond.
int poll_timeout(Time deadline);

}  // namespace galena::cli
