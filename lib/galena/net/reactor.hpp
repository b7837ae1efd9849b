// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "galena/time.hpp"

namespace galena::net {

/// A turn of it serves whatever is ready: posted calls, due timers, descriptors, ZeroMQ sockets. Everything but post()
/// and stop() belongs to the one thread that calls run() or turn(); callbacks run there, each as a whole.
class Reactor {
 public:
  using Callback = std::function<void()>;
  using TimerId = std::uint64_t;

  Reactor();
  ~Reactor();
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  /// Runs `call` in a coming turn. Any thread; wakes the reactor at most once for all that gathers before it looks.
  void post(Callback call);
  /// Makes run() return after the turn it is in. Any thread.
  void stop();
  /// Serves until stop().
  void run();
  /// Waits up to `wait` for something to do and does it once.
  void turn(Duration wait);

  /// Once, at `when` or soon after. Cancelling what has already run, or nothing (0), does nothing.
  TimerId at(Time when, Callback call);
  TimerId after(Duration delay, Callback call) { return at(detail::deadline_in(delay), std::move(call)); }
  void cancel(TimerId id);

  /// Calls `readable` while `fd` has something to read (level-triggered).
  void add_fd(int fd, Callback readable);
  void remove_fd(int fd);

  /// A ZeroMQ socket's place in the reactor. `has_input` asks the socket (ZMQ_EVENTS), `readable` reads a bounded
  /// amount; both until the Watch is destroyed. Whoever has no use for what comes reads it all the same, and bounds
  /// what it keeps: the descriptor of a socket that is not read would wake the reactor again and again. Call touch()
  /// after any use of the socket: libzmq's descriptor is edge-triggered, and every send or receive may eat the edge, so
  /// what was touched is asked again before blocking.
  class Watch {
   public:
    Watch(Reactor& reactor, int fd, std::function<bool()> has_input, Callback readable);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    void touch();

   private:
    friend class Reactor;
    Reactor& reactor_;
    int fd_;
    std::function<bool()> has_input_;
    Callback readable_;
    bool touched_ = false;
  };

 private:
  void wake();
  void run_posted();
  void run_timers();
  void serve_touched();
  int wait_ms(Duration wait) const;

  int epoll_ = -1;
  int wake_fd_ = -1;
  std::atomic<bool> stopped_{false};

  std::mutex posted_mutex_;
  std::vector<Callback> posted_;

  std::map<std::pair<Time, TimerId>, Callback> timers_;
  std::unordered_map<TimerId, Time> timer_times_;
  TimerId last_timer_ = 0;

  std::unordered_map<int, std::shared_ptr<Callback>> fds_;
  std::unordered_map<int, Watch*> watches_;
  std::vector<int> touched_;  // descriptors of watches to ask before blocking
};

}  // namespace galena::net
