// SPDX-License-Identifier: Apache-2.0
#include "galena/detail/handler_lock.hpp"

#include <map>
#include <mutex>

#include "galena/error.hpp"

namespace galena::detail {
namespace {

/// Threads that hold a handler's lock and wait for another one: only these can be part of a circle.
struct Waits {
  std::mutex mutex;
  std::map<const void*, const HandlerLock*> lock_of;  // by thread
};

Waits& waits() {
  static Waits all;
  return all;
}

}  // namespace

void HandlerLock::wait() {
  if (here.held > 0) {
    wait_holding_others();
  } else {
    lock_.lock();
  }
}

void HandlerLock::wait_holding_others() {
  if (owner_.load(std::memory_order_relaxed) == &here) {
    throw Error(ErrorCode::invalid,
                "a handler ingests into its own producer, which takes one call at a time: emit into the Sink instead, "
                "or ingest from another thread");
  }
  {
    const std::lock_guard guard(waits().mutex);
    // A thread in this table cannot let go of what it holds, so the owners that are read along the way are current.
    for (const HandlerLock* at = this; at != nullptr;) {
      const HandlerThread* const owner = at->owner_.load(std::memory_order_relaxed);
      if (owner == &here) {
        throw Error(ErrorCode::invalid,
                    "handlers ingest into each other's producers from several threads, and each waits for the other: "
                    "let one of them use a thread that no handler runs on");
      }
      const auto waiting = waits().lock_of.find(owner);
      at = waiting == waits().lock_of.end() ? nullptr : waiting->second;
    }
    waits().lock_of[&here] = this;
  }
  lock_.lock();
  const std::lock_guard guard(waits().mutex);
  waits().lock_of.erase(&here);
}

}  // namespace galena::detail
