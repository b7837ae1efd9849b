// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "galena/export.hpp"

namespace galena {

/// One topic, of any bytes; or, by prefix(), all topics that start so.
struct Topic {
  bool is_prefix = false;
  std::string text;

  Topic(const char* exact) : text(exact) {}             // NOLINT(google-explicit-constructor)
  Topic(std::string exact) : text(std::move(exact)) {}  // NOLINT(google-explicit-constructor)
  Topic(std::string_view exact) : text(exact) {}        // NOLINT(google-explicit-constructor)
  Topic(bool by_prefix, std::string start_or_all) : is_prefix(by_prefix), text(std::move(start_or_all)) {}

  bool matches(std::string_view topic) const { return is_prefix ? topic.starts_with(text) : topic == text; }
  friend auto operator<=>(const Topic&, const Topic&) = default;
};

/// prefix("sensor/") selects "sensor/1", "sensor/" and so on.
inline Topic prefix(std::string start) { return {true, std::move(start)}; }

/// The topics that a subscription selects. None: every topic, as in Galena. Equal selections compare equal: order,
/// repetitions and what a prefix of the same selection covers anyway do not count.
class GALENA_API Selection {
 public:
  Selection() = default;
  Selection(std::initializer_list<Topic> topics) : Selection(std::vector<Topic>(topics)) {}
  explicit Selection(std::vector<Topic> topics);

  bool everything() const { return patterns_.empty(); }
  const std::vector<Topic>& patterns() const { return patterns_; }
  friend auto operator<=>(const Selection&, const Selection&) = default;

 private:
  std::vector<Topic> patterns_;  // sorted; empty: everything
};

}  // namespace galena
