// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

namespace galena::detail {

/// A mutual exclusion for what is held for a fraction of a microsecond, millions of times a second, mostly by one
/// thread: taking it is one locked instruction, and giving it back is none. (With std::mutex it is one each, and two
/// calls: a third of what ingest() costs.)
///
/// Who finds it held looks again for about as long as it is usually held, because going to sleep and being woken costs
/// both sides more than that. Who gives it back and sees somebody wait lets that one have it first.
class Lock {
 public:
  void lock() {
    if (!try_lock()) [[unlikely]] {
      wait();
    }
  }
  bool try_lock() { return held_.exchange(1, std::memory_order_acquire) == 0; }
  void unlock() {
    held_.store(0, std::memory_order_release);
    if (waiting_.load(std::memory_order_relaxed) != 0) [[unlikely]] {
      make_way();
    }
  }

  Lock() = default;
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  void wait();
  void make_way();

  std::atomic<std::uint32_t> held_{0};
  std::atomic<std::uint32_t> waiting_{0};  // who look for it, and in the upper half who sleep
};

}  // namespace galena::detail
