// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "galena/core/selection.hpp"

namespace galena {

/// One topic, of any bytes; or, by prefix(), all topics that start so.
struct Topic {
  core::TopicPattern pattern;

  Topic(const char* exact) : pattern{false, exact} {}                    // NOLINT(google-explicit-constructor)
  Topic(std::string exact) : pattern{false, std::move(exact)} {}         // NOLINT(google-explicit-constructor)
  Topic(std::string_view exact) : pattern{false, std::string(exact)} {}  // NOLINT(google-explicit-constructor)
  explicit Topic(core::TopicPattern of) : pattern(std::move(of)) {}
};

/// prefix("sensor/") selects "sensor/1", "sensor/" and so on.
inline Topic prefix(std::string start) { return Topic(core::TopicPattern{true, std::move(start)}); }

/// The topics a subscription selects. None: every topic, as in Galena.
class Topics {
 public:
  Topics() = default;
  Topics(std::initializer_list<Topic> topics) : Topics(std::vector<Topic>(topics)) {}
  explicit Topics(const std::vector<Topic>& topics) {
    std::vector<core::TopicPattern> patterns;
    patterns.reserve(topics.size());
    for (const Topic& topic : topics) patterns.push_back(topic.pattern);
    selection_ = core::Selection(std::move(patterns));
  }

  const core::Selection& selection() const { return selection_; }

 private:
  core::Selection selection_;
};

}  // namespace galena
