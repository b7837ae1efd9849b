// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "galena/stats.hpp"

namespace galena::core {

/// Counts events that a subscription selected and did not get, by topic and reason. Bounded: topics beyond max_topics
/// share one entry, "(other topics)".
class DropCounter {
 public:
  static constexpr std::size_t max_topics = 1000;

  void add(std::string_view topic, std::string_view reason, std::uint64_t count = 1) {
    if (count == 0) return;
    total_ += count;
    std::pair key{std::string(topic), std::string(reason)};
    if (counts_.size() >= max_topics && !counts_.contains(key)) key.first = "(other topics)";
    counts_[std::move(key)] += count;
  }

  const DropCounts& counts() const { return counts_; }
  std::uint64_t total() const { return total_; }

 private:
  DropCounts counts_;
  std::uint64_t total_ = 0;
};

}  // namespace galena::core
