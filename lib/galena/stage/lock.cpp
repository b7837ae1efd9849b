// SPDX-License-Identifier: Apache-2.0
#include "galena/detail/lock.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ctime>

namespace galena::detail {
namespace {

constexpr int looks = 100;
/// A thread that sleeps looks again after so long by itself: unlock() reads `waiting_` without a fence, so it may miss
/// a thread that begins to wait in the same few nanoseconds.
constexpr timespec longest_sleep{0, 1'000'000};

void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

std::uint32_t* address(std::atomic<std::uint32_t>& word) { return reinterpret_cast<std::uint32_t*>(&word); }

void sleep_while(std::atomic<std::uint32_t>& word, std::uint32_t value) {
  syscall(SYS_futex, address(word), FUTEX_WAIT_PRIVATE, value, &longest_sleep, nullptr, 0);
}

void wake_one(std::atomic<std::uint32_t>& word) {
  syscall(SYS_futex, address(word), FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

}  // namespace

void Lock::wait() {
  waiting_.fetch_add(looking, std::memory_order_relaxed);
  for (int turn = 0;; ++turn) {
    for (int i = 0; i < looks; ++i) {
      if (held_.load(std::memory_order_relaxed) == 0 && try_lock()) {
        waiting_.fetch_sub(looking, std::memory_order_relaxed);
        return;
      }
      pause();
    }
    if (turn > 0) break;
    waiting_.fetch_add(sleeping, std::memory_order_seq_cst);
    sleep_while(held_, 1);
    waiting_.fetch_sub(sleeping, std::memory_order_relaxed);
  }
  starve();
  waiting_.fetch_sub(looking, std::memory_order_relaxed);
}

/// It was woken, or slept for long, and the lock is held again.
void Lock::starve() {
  waiting_.fetch_add(starving, std::memory_order_seq_cst);
  while (handed_over_.exchange(0, std::memory_order_acquire) == 0 && !try_lock()) sleep_while(handed_over_, 0);
  // Before this thread unlocks, so that no later unlock() hands the lock to a thread that waits no more.
  waiting_.fetch_sub(starving, std::memory_order_relaxed);
}

void Lock::make_way() {
  if (waiting_.load(std::memory_order_relaxed) >= sleeping) {
    wake_one(held_);
    return;
  }
  for (int i = 0; i < looks; ++i) {
    if (held_.load(std::memory_order_relaxed) != 0 || waiting_.load(std::memory_order_relaxed) == 0) return;
    pause();
  }
}

/// The lock stays held, by a thread that starves.
void Lock::hand_over() {
  handed_over_.store(1, std::memory_order_release);
  wake_one(handed_over_);
}

}  // namespace galena::detail
