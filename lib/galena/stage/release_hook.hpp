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

/// Tells a publisher that libzmq has let go of memory, if it wants to know: somebody waits for room. libzmq may do that
/// after the publisher is gone, on a thread of its own.
class ReleaseHook {
 public:
  explicit ReleaseHook(std::function<void()> released) : released_(std::move(released)) {}

  /// The next release is to be told.
  void arm() { armed_.store(true); }
  void disconnect() {
    const std::lock_guard lock(mutex_);
    released_ = nullptr;
  }
  void note_release() {
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
