// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <mutex>
#include <thread>

#include <galena/galena.hpp>

namespace galena::cli {

/// The request to end: made by a signal (SIGINT, SIGTERM or SIGHUP, unless the program was started with it ignored), by
/// the alarm, or by the program itself. A second signal that comes 100 ms after the first or later ends the process at
/// once; an earlier one is the same request, because `timeout` sends two.
///
/// The signals stay blocked when the object is gone: what comes while the process ends must not change its exit code.
/// Requires: it is made before the process has other threads, and there is at most one.
class Stop {
 public:
  enum class Cause : int { none, program, signal, alarm };

  Stop();
  ~Stop();
  Stop(const Stop&) = delete;
  Stop& operator=(const Stop&) = delete;

  /// Thread: any.
  void request() { request(Cause::program); }
  bool requested() const { return cause() != Cause::none; }
  /// Of the first request.
  Cause cause() const { return cause_.load(); }
  /// For poll(): readable from the request on.
  int fd() const { return requested_.fd(); }

  /// Returns when all that a request does besides has been done: it ends no wait that begins after that.
  void settle();

  /// Requests the stop at that time, unless it is set again before. `never`: no alarm.
  void set_alarm(Time when);
  /// Calls `say` at that time, on a thread of its own, unless a stop is requested or this is set again before. When it
  /// returns, the `say` that was set before does not run any more.
  void set_hint(Time when, std::function<void()> say = {});

  /// Blocks until the request, until `deadline`, or until the pipe that `watched` writes to has no reader any more.
  /// Returns true if a stop was requested.
  bool wait_until(Time deadline, int watched = -1) const;

  /// While it lives: what the request does besides. It runs once, on the thread that requests, or at once if a stop was
  /// requested before.
  class Action {
   public:
    Action(Stop& stop, std::function<void()> run);
    ~Action();
    Action(const Action&) = delete;
    Action& operator=(const Action&) = delete;

   private:
    Stop& stop_;
    std::list<std::function<void()>>::iterator at_;
  };

 private:
  /// A pipe that is readable once it was rung.
  class Bell {
   public:
    Bell();
    ~Bell();
    Bell(const Bell&) = delete;
    Bell& operator=(const Bell&) = delete;

    int fd() const { return ends_[0]; }
    void ring();
    void clear();

   private:
    int ends_[2] = {-1, -1};
  };

  void request(Cause cause);
  void watch();
  Time hint_at();
  void run_hint();
  void handle_signal();

  Bell requested_;
  Bell changed_;  // wakes the thread that watches
  int signal_fd_ = -1;
  std::atomic<Cause> cause_ = Cause::none;  // written under the mutex
  std::mutex mutex_;
  std::list<std::function<void()>> actions_;  // under the mutex, as are the next two
  Time alarm_ = never;
  bool ending_ = false;
  std::mutex hint_mutex_;  // held while a hint runs
  Time hint_at_ = never;
  std::function<void()> hint_;
  Time first_signal_ = never;  // of the thread that watches
  std::thread watcher_;
};

/// How long the events that are still on their way may take after a signal.
inline constexpr Duration drain_after_signal = std::chrono::seconds(5);

/// For poll(): the time until `deadline` in milliseconds, rounded up so that no caller spins in the last one.
int poll_timeout(Time deadline);

}  // namespace galena::cli
