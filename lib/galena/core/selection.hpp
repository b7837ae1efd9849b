// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <vector>

namespace galena::core {

/// One entry of a selection: a topic, or all topics that start so.
struct TopicPattern {
  bool is_prefix = false;
  std::string text;

  bool matches(std::string_view topic) const { return is_prefix ? topic.starts_with(text) : topic == text; }
  friend auto operator<=>(const TopicPattern&, const TopicPattern&) = default;
};

/// Which topics a subscription wants: none named is every topic, as in Galena. Equal selections compare equal: order,
/// repetitions and what a prefix of the same selection covers anyway do not count.
class Selection {
 public:
  Selection() = default;
  explicit Selection(std::vector<TopicPattern> patterns);

  bool everything() const { return patterns_.empty(); }
  const std::vector<TopicPattern>& patterns() const { return patterns_; }
  friend auto operator<=>(const Selection&, const Selection&) = default;

 private:
  std::vector<TopicPattern> patterns_;  // sorted; empty: everything
};

}  // namespace galena::core
