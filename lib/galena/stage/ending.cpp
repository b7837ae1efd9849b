// SPDX-License-Identifier: Apache-2.0
#include "galena/stage/ending.hpp"

#include "galena/stage/waiting.hpp"

namespace galena::detail {

bool Ending::fail(const std::exception_ptr& failure) {
  {
    const std::lock_guard lock(mutex_);
    if (failure_) return false;
    failure_ = failure;
  }
  changed_.notify_all();
  return true;
}

void Ending::finish() {
  {
    const std::lock_guard lock(mutex_);
    finished_ = true;
  }
  changed_.notify_all();
}

void Ending::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
}

bool Ending::has_failed() const {
  const std::lock_guard lock(mutex_);
  return failure_ != nullptr;
}

bool Ending::is_stopping() const {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

bool Ending::wait(const Until& until) {
  std::unique_lock lock(mutex_);
  const auto is_over = [this] { return failure_ != nullptr || finished_ || stopping_; };
  if (!wait_until(changed_, lock, until.deadline(), &until.stop(), is_over)) return false;
  if (failure_) std::rethrow_exception(failure_);
  return true;
}

}  // namespace galena::detail
