// SPDX-License-Identifier: Apache-2.0
#include "galena/sink.hpp"

#include <mutex>

namespace galena {

bool Sink::finish_later(std::optional<Time> deadline) {
  std::unique_lock lock(intake_.lock(), std::adopt_lock);
  holds_ = false;
  bool in_time = true;
  auto event = overflow_.begin();
  try {
    while (event != overflow_.end() && in_time) {
      if (intake_.append(event->view(), from_)) {
        ++event;
      } else {
        in_time = intake_.wait_for_room(lock, deadline);
      }
    }
  } catch (...) {
    overflow_.erase(overflow_.begin(), event);
    lock.release();
    holds_ = true;
    throw;
  }
  overflow_.clear();
  lock.release();
  intake_.unlock();
  return in_time;
}

bool Sink::try_finish() {
  if (overflow_.empty() || taken_ > 0) return finish(std::nullopt);
  overflow_.clear();
  let_go();
  return false;
}

/// The handler threw. What it emitted before stands, as far as it fitted.
void Sink::abandon() {
  for (const Event& event : overflow_) intake_.count_abandoned(event.view());
  let_go();
}

}  // namespace galena
