// SPDX-License-Identifier: Apache-2.0
#include "galena/detail/lock.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ctime>

namespace galena::detail {
namespace {

constexpr int looks = 100;
constexpr std::uint32_t looker = 1;
constexpr std::uint32_t sleeper = 1U << 16;
/// A sleeper looks again after so long by itself: unlock() reads `waiting_` without a fence, so it may miss whoever
/// begins to wait in the same few nanoseconds.
constexpr timespec longest_sleep{0, 1'000'000};

void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

std::uint32_t* address(std::atomic<std::uint32_t>& word) { return reinterpret_cast<std::uint32_t*>(&word); }

}  // namespace

void Lock::wait() {
  waiting_.fetch_add(looker, std::memory_order_relaxed);
  for (;;) {
    for (int i = 0; i < looks; ++i) {
      if (held_.load(std::memory_order_relaxed) == 0 && try_lock()) {
        waiting_.fetch_sub(looker, std::memory_order_relaxed);
        return;
      }
      pause();
    }
    waiting_.fetch_add(sleeper, std::memory_order_seq_cst);
    syscall(SYS_futex, address(held_), FUTEX_WAIT_PRIVATE, 1, &longest_sleep, nullptr, 0);
    waiting_.fetch_sub(sleeper, std::memory_order_relaxed);
  }
}

void Lock::make_way() {
  if (waiting_.load(std::memory_order_relaxed) >= sleeper) {
    syscall(SYS_futex, address(held_), FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
    return;
  }
  for (int i = 0; i < looks; ++i) {
    if (held_.load(std::memory_order_relaxed) != 0 || waiting_.load(std::memory_order_relaxed) == 0) return;
    pause();
  }
}

}  // namespace galena::detail
