// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>

#include "galena/detail/lock.hpp"
#include "galena/export.hpp"

namespace galena::detail {

/// Counts the HandlerLocks that a thread has. Each thread has its own HandlerThread, so the address tells the thread.
struct HandlerThread {
  unsigned held = 0;
};

/// Serialises the calls into one producer's handler. A thread has the lock from the call of the handler until the
/// handler's output is appended, and gives it back before it waits for room. No thread takes it while it has another
/// lock of the library.
///
/// Most handlers are called by one thread alone. The first thread that takes the lock has a bias: it takes the lock
/// without a locked instruction, which would be a sixth of the cost of ingest(). The first other thread ends the bias
/// for good, by a barrier in all threads of the process (membarrier).
///
/// A handler may ingest into other producers, and takes their locks then. lock() throws Error (invalid) instead of a
/// deadlock: in a handler that ingests into its own producer, and when handlers on several threads wait for each other
/// in a circle.
class GALENA_API HandlerLock {
 public:
  void lock() {
    if (!lock_by_bias()) [[unlikely]] {
      lock_for_all();
    }
    owner_.store(&here, std::memory_order_relaxed);
    ++here.held;
  }
  /// Never waits. Ends the bias, and takes none.
  bool try_lock();
  void unlock() {
    --here.held;
    owner_.store(nullptr, std::memory_order_relaxed);
    if (by_bias_) [[likely]] {
      biased_.store(false, std::memory_order_release);
    } else {
      lock_.unlock();
    }
  }

  HandlerLock() = default;
  HandlerLock(const HandlerLock&) = delete;
  HandlerLock& operator=(const HandlerLock&) = delete;

 private:
  /// False if the lock has to be taken as by all other threads.
  bool lock_by_bias() {
    if (bias_.load(std::memory_order_relaxed) != &here || biased_.load(std::memory_order_relaxed)) return false;
    biased_.store(true, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);  // end_bias() has the other half
    if (bias_.load(std::memory_order_relaxed) != &here) [[unlikely]] {
      biased_.store(false, std::memory_order_release);
      return false;
    }
    by_bias_ = true;
    return true;
  }
  void lock_for_all();
  void wait_holding_others();
  void end_bias();
  void take_away_bias();

  static inline thread_local HandlerThread here;

  std::atomic<const HandlerThread*> bias_{nullptr};  // the thread that has it
  std::atomic<bool> biased_{false};                  // that thread holds the lock, or is about to find that it may not
  bool by_bias_ = false;                             // of the thread that holds the lock
  bool had_bias_ = false;                            // under lock_
  Lock lock_;
  std::atomic<const HandlerThread*> owner_{nullptr};
};

}  // namespace galena::detail
