// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>

namespace galena::detail {

/// Locks a mutex that is held for well under a microsecond at a time: looks again for about as long before it sleeps,
/// because going to sleep and being woken costs both sides more than that.
inline std::unique_lock<std::mutex> lock_soon(std::mutex& mutex) {
  constexpr int looks = 100;
  std::unique_lock lock(mutex, std::defer_lock);
  for (int i = 0; i < looks; ++i) {
    if (lock.try_lock()) return lock;
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
  }
  lock.lock();
  return lock;
}

}  // namespace galena::detail
