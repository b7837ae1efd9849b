// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

#include "galena/export.hpp"

namespace galena::detail {

/// A mutual exclusion for what is held for a fraction of a microsecond, millions of times a second, mostly by one
/// thread: lock() is one locked instruction, and unlock() is none. (std::mutex needs one each, and two calls: a third
/// of what ingest() costs.)
///
/// A thread that finds it held looks again for about as long as it is usually held, because sleeping and being woken
/// costs both sides more than that. unlock() gives a thread that looks a moment to take it. A thread that was woken and
/// found it held again is starving: the next unlock() hands the lock to it, so that a thread that locks in a loop keeps
/// nobody out for longer than two of its turns.
class GALENA_API Lock {
 public:
  void lock() {
    if (!try_lock()) [[unlikely]] {
      wait();
    }
  }
  bool try_lock() { return held_.exchange(1, std::memory_order_acquire) == 0; }
  void unlock() {
    if (waiting_.load(std::memory_order_relaxed) >= starving) [[unlikely]] {
      hand_over();
      return;
    }
    held_.store(0, std::memory_order_release);
    if (waiting_.load(std::memory_order_relaxed) != 0) [[unlikely]] {
      make_way();
    }
  }

  Lock() = default;
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  // Of waiting_: how many threads look, sleep, or starve. Each has 20 bits.
  static constexpr std::uint64_t looking = 1;
  static constexpr std::uint64_t sleeping = std::uint64_t{1} << 20;
  static constexpr std::uint64_t starving = std::uint64_t{1} << 40;

  void wait();
  void starve();
  void make_way();
  void hand_over();

  std::atomic<std::uint32_t> held_{0};
  std::atomic<std::uint32_t> handed_over_{0};  // 1: it is held, and belongs to the first starving thread that looks
  std::atomic<std::uint64_t> waiting_{0};
};

}  // namespace galena::detail
