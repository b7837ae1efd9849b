// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "galena/time.hpp"

namespace galena::detail {

/// The peers that have asked for a report of a stage and wait for it. A report costs time under the producer's lock, so
/// there is one in 5 ms at most; it answers everybody who has asked until then, and a peer that asks again meanwhile is
/// answered once. So no peer can keep another from being answered, and no peer is left without an answer.
class ReportQueue {
 public:
  void add(std::string peer) { waiting_.insert(std::move(peer)); }
  /// The peers to answer now, all with one report that is made after this call.
  std::vector<std::string> poll(Time now) {
    if (waiting_.empty() || now < next_) return {};
    next_ = now + interval;
    std::vector<std::string> peers(waiting_.begin(), waiting_.end());
    waiting_.clear();
    return peers;
  }
  Time poll_timeout() const { return waiting_.empty() ? never : next_; }

 private:
  static constexpr Duration interval = std::chrono::milliseconds(5);

  std::set<std::string> waiting_;
  Time next_ = Time::min();
};

}  // namespace galena::detail
