// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "cli/common.hpp"

namespace galena::cli {

/// Counts the events that gaps tell of (the library logs each gap), and names the producers that were lost at the end.
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

  /// Nobody knows how many events they still had.
  void add_lost(std::vector<std::string> producers) { producers_ = std::move(producers); }

  bool any() const { return known_ + unknown_ + producers_.size() > 0; }

  /// "0", "12", "12 and an unknown number in 2 gaps", "0 and an unknown number of 'x', which is lost".
  std::string text() const {
    std::string text = std::to_string(known_);
    if (unknown_ > 0) text += " and an unknown number in " + counted(unknown_, "gap");
    if (!producers_.empty()) {
      text += " and an unknown number of " + joined(producers_, ", ") +
              (producers_.size() == 1 ? ", which is lost" : ", which are lost");
    }
    return text;
  }

 private:
  std::uint64_t known_ = 0;
  std::uint64_t unknown_ = 0;  // gaps of which nobody knows how many events were in them
  std::vector<std::string> producers_;
};

}  // namespace galena::cli
