// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/common.hpp"

namespace galena::cli {

struct TopicsOptions {
  CommonOptions common = {};
  std::vector<std::string> producers = {};
  std::vector<Topic> topics = {};  ///< none: everything
  Duration interval = std::chrono::seconds(1);
  std::optional<Duration> timeout = {};
  bool json = false;
};

/// `galena topics`: a table of topics with counts and rates, again and again.
int run_topics(const TopicsOptions& options);

}  // namespace galena::cli
