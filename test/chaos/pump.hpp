// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>

namespace chaos {

/// Offers events on a thread of its own, at a rate, while it is told to.
class Pump {
 public:
  /// `offer` returns false if the event was not taken yet; then the same is offered again.
  explicit Pump(std::function<bool()> offer) : offer_(std::move(offer)), thread_([this] { work(); }) {}
  ~Pump() {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
      pause_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  Pump(const Pump&) = delete;
  Pump& operator=(const Pump&) = delete;

  /// So many a second; 0: as fast as they are taken.
  void go(std::uint64_t rate) {
    const std::lock_guard lock(mutex_);
    rate_ = rate;
    pause_ = false;
    changed_.notify_all();
  }
  /// Returns when no offer is under way any more.
  void stop() {
    std::unique_lock lock(mutex_);
    pause_ = true;
    changed_.wait(lock, [this] { return !working_; });
  }

 private:
  using Clock = std::chrono::steady_clock;

  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      working_ = false;
      changed_.notify_all();
      changed_.wait(lock, [this] { return ended_ || !pause_; });
      if (ended_) return;
      working_ = true;
      lock.unlock();
      run();
      lock.lock();
    }
  }

  void run() {
    const Clock::time_point start = Clock::now();
    const std::uint64_t rate = rate_;
    for (std::uint64_t taken = 0; !pause_;) {
      if (rate > 0) {
        const std::chrono::nanoseconds elapsed = Clock::now() - start;
        if (taken * 1'000'000'000 > static_cast<std::uint64_t>(elapsed.count()) * rate) {
          std::this_thread::sleep_for(std::chrono::milliseconds(1));
          continue;
        }
      }
      if (offer_()) ++taken;
    }
  }

  std::function<bool()> offer_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<bool> pause_ = true;
  std::atomic<std::uint64_t> rate_ = 0;
  bool working_ = false;
  bool ended_ = false;
  std::thread thread_;  // last: it uses all of them
};

}  // namespace chaos
