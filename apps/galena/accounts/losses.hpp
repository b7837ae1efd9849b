// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "cli/common.hpp"

namespace galena::cli {

/// Counts the events that gaps tell of (the library logs each gap).
/// Thread: the stage's for add(); the others when that has ended.
class Losses {
 public:
  void add(const Gap& gap) {
    if (gap.count) {
      known_ += *gap.count;
    } else {
      ++unknown_;
    }
  }

  bool any() const { return known_ + unknown_ > 0; }
  std::uint64_t known() const { return known_; }
  /// Gaps of which nobody knows how many events were in them.
  std::uint64_t unknown() const { return unknown_; }

  /// "0", "12", "12 and an unknown number in 2 gaps".
  std::string text() const {
    return std::to_string(known_) +
           (unknown_ > 0 ? " and an unknown number in " + counted(unknown_, "gap") : std::string());
  }

 private:
  std::uint64_t known_ = 0;
  std::uint64_t unknown_ = 0;
};

}  // namespace galena::cli
