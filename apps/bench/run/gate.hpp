// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <mutex>

#include "galena/time.hpp"

namespace galena::bench {

/// Opens when the expected number has arrived, or at once when one arrival is a failure. Thread: any.
class Gate {
 public:
  explicit Gate(std::size_t expected) : left_(expected) {}

  void arrive(bool fine = true) {
    const std::lock_guard lock(mutex_);
    left_ = fine && left_ > 0 ? left_ - 1 : 0;
    if (left_ == 0) opened_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    opened_.wait(lock, [this] { return left_ == 0; });
  }
  /// Returns false if the gate did not open within `timeout`.
  bool wait_for(Duration timeout) {
    std::unique_lock lock(mutex_);
    return opened_.wait_for(lock, timeout, [this] { return left_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable opened_;
  std::size_t left_;
};

}  // namespace galena::bench
