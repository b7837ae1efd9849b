// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>

#include "galena/core/segment.hpp"
#include "galena/net/socket.hpp"

namespace galena::detail {

/// Calls a publisher back when libzmq has released memory that was lent to it, if the publisher has armed the hook
/// because somebody waits for room. libzmq releases on a thread of its own, perhaps after the publisher is gone: so
/// loans share the hook, and the publisher disconnects it.
class ReleaseHook {
 public:
  explicit ReleaseHook(std::function<void()> released) : released_(std::move(released)) {}

  /// The next release calls back, once. The publisher's thread.
  void arm() { armed_.store(true); }
  /// Waits for a callback that runs now. There is none after it. The publisher's thread.
  void disconnect() {
    const std::lock_guard lock(mutex_);
    released_ = nullptr;
  }
  /// A loan has ended. Any thread.
  void handle_release() {
    if (!armed_.exchange(false)) return;
    const std::lock_guard lock(mutex_);
    if (released_) released_();
  }

 private:
  std::atomic<bool> armed_{false};
  std::mutex mutex_;
  std::function<void()> released_;
};

/// `bytes` of the segment, which is held already, as a loan that ends with its release.
net::Loan lend(core::Segment* segment, std::string_view bytes, std::shared_ptr<ReleaseHook> hook);

}  // namespace galena::detail
