// SPDX-License-Identifier: Apache-2.0
#include "galena/selection.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace galena {

Selection::Selection(std::vector<Topic> topics) {
  std::sort(topics.begin(), topics.end(), [](const Topic& a, const Topic& b) {
    return std::pair{std::string_view(a.text), !a.is_prefix} < std::pair{std::string_view(b.text), !b.is_prefix};
  });
  // In this order a prefix stands right before everything that it covers.
  for (auto& pattern : topics) {
    if (pattern.is_prefix && pattern.text.empty()) return;  // covers everything
    const bool covered =
        !patterns_.empty() && patterns_.back().is_prefix && pattern.text.starts_with(patterns_.back().text);
    if (!covered && (patterns_.empty() || patterns_.back() != pattern)) patterns_.push_back(std::move(pattern));
  }
}

}  // namespace galena
