// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "cli/common.hpp"

namespace galena::cli {

/// Tells a person which producers a command still waits for, whether a name service answers, and which producers were
/// lost. Waiting for a producer is normal, but waiting for a misspelt name looks the same.
class Searching {
 public:
  static constexpr Duration patience = std::chrono::seconds(2);

  explicit Searching(const std::vector<Subscription>& subscriptions);

  /// Thread: the stage's, from on_state.
  void record(const Source& producer, State state);
  /// Says which producers were never found, if there are any. Blocks for up to half a second.
  void say_missing(Node& node);
  /// The producers that are lost at this moment: nobody knows whether they had more events. A successor tells a gap.
  std::vector<std::string> lost();
  /// True once another consumer uses the identity: then no more events come.
  bool superseded() const { return superseded_; }

 private:
  std::mutex mutex_;
  std::set<std::string> missing_;  // never found so far
  std::set<std::string> lost_;
  std::atomic<bool> superseded_{false};
};

}  // namespace galena::cli
