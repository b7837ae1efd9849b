// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <exception>
#include <mutex>

#include "galena/until.hpp"

namespace galena::detail {

/// Whether a stage has come to its end, and why; wakes those who wait for that. Any thread.
class Ending {
 public:
  /// The stage has failed. False if it had failed before: the first failure is kept.
  bool fail(const std::exception_ptr& failure);
  /// Its input has ended: its handler has had enough, or it was closed.
  void finish();
  /// It was told to stop: nobody waits any longer.
  void stop();

  bool has_failed() const;
  bool is_stopping() const;
  /// Waits for any of the three. Rethrows the failure; false if `until` was over before.
  bool wait(const Until& until);

 private:
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable_any changed_;
  std::exception_ptr failure_;
  bool finished_ = false;
  bool stopping_ = false;
};

}  // namespace galena::detail
