// SPDX-License-Identifier: Apache-2.0
#include "galena/detail/handler_lock.hpp"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "galena/base/assert.hpp"
#include "galena/error.hpp"
#include "galena/time.hpp"

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

/// How long it takes to look again whether a handler has returned that runs with a bias.
constexpr Duration shortest_pause = std::chrono::microseconds(10);
constexpr Duration longest_pause = std::chrono::milliseconds(1);

long call_membarrier(int command) { return syscall(SYS_membarrier, command, 0, 0); }

/// False where the kernel does not offer it: then nobody has a bias.
bool has_membarrier() {
  static const bool registered = call_membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0;
  return registered;
}

/// All that the other threads of the process have stored before is visible behind it.
void membarrier() {
  long done = call_membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
  if (done != 0) {  // after fork(): the registration is the parent's
    call_membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
    done = call_membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
  }
  GALENA_ASSERT(done == 0, "the kernel offered membarrier when the bias was given");
}

}  // namespace

void HandlerLock::lock_for_all() {
  if (here.held > 0) {
    wait_holding_others();
  } else {
    lock_.lock();
    end_bias();
  }
  by_bias_ = !std::exchange(had_bias_, true) && has_membarrier();
  if (!by_bias_) return;
  bias_.store(&here, std::memory_order_relaxed);
  biased_.store(true, std::memory_order_relaxed);
  lock_.unlock();  // for the thread that will end the bias
}

bool HandlerLock::try_lock() {
  if (!lock_.try_lock()) return false;
  take_away_bias();
  if (biased_.load(std::memory_order_acquire)) {  // that thread still holds it
    lock_.unlock();
    return false;
  }
  by_bias_ = false;
  owner_.store(&here, std::memory_order_relaxed);
  ++here.held;
  return true;
}

/// Under lock_. Either the thread with the bias sees that it ended, or this one sees that thread hold the lock, because
/// all that it had stored is visible after the barrier.
void HandlerLock::take_away_bias() {
  const HandlerThread* const other = bias_.load(std::memory_order_relaxed);
  if (other == nullptr) return;
  bias_.store(nullptr, std::memory_order_seq_cst);
  if (other != &here) membarrier();
}

/// Under lock_. Waits until nobody holds it by the bias.
void HandlerLock::end_bias() {
  take_away_bias();
  for (Duration pause = shortest_pause; biased_.load(std::memory_order_acquire);
       pause = std::min(2 * pause, longest_pause)) {
    std::this_thread::sleep_for(pause);
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
  end_bias();  // it may wait, too
  const std::lock_guard guard(waits().mutex);
  waits().lock_of.erase(&here);
}

}  // namespace galena::detail
