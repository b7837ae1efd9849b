// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "cli/common.hpp"

namespace galena::cli {

/// Waiting for a producer is normal; waiting for a misspelt one looks the same. After a while a person is told which
/// names nobody has had, or that there is nobody to ask; and when a producer goes away without a word.
class Searching {
 public:
  static constexpr Duration patience = std::chrono::seconds(2);

  explicit Searching(const std::vector<Subscription>& subscriptions);

  /// For on_state, on the stage's thread.
  void note(const Source& producer, State state);
  void say_whom(Node& node);
  /// Another has taken up the identity: there is nothing more to come.
  bool superseded() const { return superseded_; }

 private:
  std::mutex mutex_;
  std::set<std::string> missing_;  // never found so far
  std::atomic<bool> superseded_{false};
};

}  // namespace galena::cli
