// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "galena/detail/lock.hpp"
#include "galena/event_view.hpp"
#include "galena/time.hpp"

namespace galena {
namespace core {
struct Provenance;
}

namespace detail {

/// Where a Sink puts events: the side of a Publisher that other threads see, with what ingest() touches for every event
/// where the compiler can see it.
class Intake {
 public:
  Lock& lock() { return lock_; }

  // Under lock().

  std::string& scratch() { return scratch_; }
  /// False if it has no room. Throws Error (invalid) if it is too large. `from` says what it was made of, if it was,
  /// and is counted on.
  virtual bool append(const EventView& event, core::Provenance* from) = 0;
  /// Sleeps until there may be room (or `deadline`, which answers false). Lets go of the lock meanwhile. Throws Error
  /// (invalid) on a thread that stages share.
  virtual bool wait_for_room(std::unique_lock<Lock>& lock, std::optional<Time> deadline) = 0;
  /// An event that a handler emitted before it threw, and that did not fit.
  virtual void count_abandoned(const EventView& event) = 0;

  /// Lets go of the lock, and has what was appended sent.
  void unlock() {
    if (wants_wake_) [[unlikely]] {
      unlock_and_wake();
    } else {
      lock_.unlock();
    }
  }

  Intake(const Intake&) = delete;
  Intake& operator=(const Intake&) = delete;

 protected:
  Intake() = default;
  ~Intake() = default;
  virtual void unlock_and_wake() = 0;

  bool wants_wake_ = false;  // something was appended that is worth sending, and nobody was told yet

 private:
  Lock lock_;
  std::string scratch_;
};

}  // namespace detail
}  // namespace galena
