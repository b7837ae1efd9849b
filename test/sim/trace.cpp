// SPDX-License-Identifier: Apache-2.0
#include "trace.hpp"

#include <algorithm>
#include <cstdio>

namespace galena::sim {

std::vector<std::string> Trace::last(std::size_t wanted) const {
  std::vector<std::string> lines;
  const std::size_t count = std::min({next_, kept, wanted});
  for (std::size_t i = next_ - count; i < next_; ++i) {
    const Step& step = steps_[i % kept];
    char text[256];
    std::snprintf(text, sizeof text, "%12.3f ms  %-16s %s  %llu %llu", in_seconds(step.when.time_since_epoch()) * 1000,
                  actors_[step.actor].c_str(), step.what, static_cast<unsigned long long>(step.a),
                  static_cast<unsigned long long>(step.b));
    lines.emplace_back(text);
  }
  return lines;
}

}  // namespace galena::sim
