// SPDX-License-Identifier: Apache-2.0
#pragma once

// libzmq hands messages from thread to thread through lock-free queues that ThreadSanitizer cannot see into. These
// functions tell it that what was written before a hand-over happened before what is read after it. Without TSan they
// do nothing.

#if defined(__SANITIZE_THREAD__)
#define GALENA_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define GALENA_TSAN 1
#endif
#endif

#ifdef GALENA_TSAN
extern "C" {
void __tsan_acquire(void* address);
void __tsan_release(void* address);
}
#endif

namespace galena::net {

#ifdef GALENA_TSAN
/// One address stands for libzmq as a whole: everything sent into it happens before everything that came out later.
inline char tsan_libzmq = 0;
inline void tsan_release(void* hint) {
  __tsan_release(hint);
  __tsan_release(&tsan_libzmq);
}
inline void tsan_release_sent() { __tsan_release(&tsan_libzmq); }
inline void tsan_acquire_received() { __tsan_acquire(&tsan_libzmq); }
inline void tsan_acquire(void* hint) { __tsan_acquire(hint); }
#else
inline void tsan_release(void*) {}
inline void tsan_release_sent() {}
inline void tsan_acquire_received() {}
inline void tsan_acquire(void*) {}
#endif

}  // namespace galena::net
