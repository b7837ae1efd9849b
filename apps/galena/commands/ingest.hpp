// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "cli/common.hpp"

namespace galena::cli {

struct IngestOptions {
  CommonOptions common = {};
  std::string name = {};
  std::string topic = {};
  std::optional<std::string> message = {};  ///< empty: the lines of stdin
  Duration timeout = std::chrono::seconds(10);
};

/// `galena ingest`: hands events to a producer that runs elsewhere.
int run_ingest(const IngestOptions& options);

}  // namespace galena::cli
