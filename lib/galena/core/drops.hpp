// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "galena/core/reason.hpp"
#include "galena/stats.hpp"

namespace galena::core {

/// Counts what did not get to somebody who wanted it, by topic and reason. Bounded: topics beyond max_topics share the
/// name "(other topics)", and reasons beyond as many more share "(other reasons)": a peer may give any reason.
class DropCounter {
 public:
  static constexpr std::size_t max_topics = 1000;

  void add(std::string_view topic, std::string_view reason, std::uint64_t count = 1) {
    if (count == 0) return;
    total_ += count;
    if (reason == reason::cancelled) left_ += count;
    std::pair key{std::string(topic), std::string(reason)};
    if (counts_.size() >= max_topics && !counts_.contains(key)) key.first = "(other topics)";
    if (counts_.size() >= 2 * max_topics && !counts_.contains(key)) key.second = "(other reasons)";
    counts_[std::move(key)] += count;
  }

  const DropCounts& counts() const { return counts_; }
  std::uint64_t total() const { return total_; }
  /// Without what was left by those who went on purpose.
  std::uint64_t lost() const { return total_ - left_; }

 private:
  DropCounts counts_;
  std::uint64_t total_ = 0;
  std::uint64_t left_ = 0;
};

}  // namespace galena::core
