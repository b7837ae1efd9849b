// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>

#include "galena/detail/lock.hpp"
#include "galena/export.hpp"

namespace galena::detail {

/// How many of these locks a thread holds. There is one for each thread, so its address says which thread it is.
struct HandlerThread {
  unsigned held = 0;
};

/// Serialises the calls into one producer's handler. It is held while the handler runs and until what it made is
/// appended, and never while anybody waits for room; no lock of the library is held around it.
///
/// A handler may call into other producers. Where that could never end, lock() throws Error (invalid): in a handler
/// that ingests into its own producer, and when handlers on several threads wait for each other in a circle.
class GALENA_API HandlerLock {
 public:
  void lock() {
    if (!lock_.try_lock()) [[unlikely]] {
      wait();
    }
    owner_.store(&here, std::memory_order_relaxed);
    ++here.held;
  }
  void unlock() {
    --here.held;
    owner_.store(nullptr, std::memory_order_relaxed);
    lock_.unlock();
  }

  HandlerLock() = default;
  HandlerLock(const HandlerLock&) = delete;
  HandlerLock& operator=(const HandlerLock&) = delete;

 private:
  void wait();
  void wait_holding_others();

  static inline thread_local HandlerThread here;

  Lock lock_;
  std::atomic<const HandlerThread*> owner_{nullptr};
};

}  // namespace galena::detail
