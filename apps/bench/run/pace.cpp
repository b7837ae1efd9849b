// SPDX-License-Identifier: Apache-2.0
#include "run/pace.hpp"

#include <fmt/core.h>

namespace galena::bench {

std::string topic_name(std::uint64_t topic) { return fmt::format("bench/{:04}", topic); }

std::vector<std::string> topic_names(const Shape& shape) {
  std::vector<std::string> names;
  for (std::uint64_t topic = 0; topic < shape.topics; ++topic) names.push_back(topic_name(topic));
  if (shape.slow_sibling) names.emplace_back(slow_topic);
  return names;
}

}  // namespace galena::bench
