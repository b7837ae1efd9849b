// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>

#include "galena/stage/loop.hpp"

namespace galena::detail {

/// A loop whose thread is started when it is first needed. Any thread.
class LateLoop {
 public:
  /// Throws Error (system) if no thread can be started.
  Loop& get() {
    const std::lock_guard lock(mutex_);
    if (!loop_) {
      loop_ = std::make_unique<Loop>();
      if (waits_end_) loop_->end_waits();
    }
    return *loop_;
  }
  /// See Loop::end_waits().
  void end_waits() {
    const std::lock_guard lock(mutex_);
    waits_end_ = true;
    if (loop_) loop_->end_waits();
  }
  /// Waits for what runs on it, and ends it. Requires: nobody uses it any more.
  void join() {
    std::unique_ptr<Loop> loop;
    {
      const std::lock_guard lock(mutex_);
      loop = std::move(loop_);
    }
  }

 private:
  std::mutex mutex_;  // guards these
  std::unique_ptr<Loop> loop_;
  bool waits_end_ = false;
};

}  // namespace galena::detail
