// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "cli/common.hpp"
#include "cli/rename.hpp"
#include "cli/topics.hpp"
#include "commands/holding.hpp"

namespace galena::cli {

struct RelayOptions {
  CommonOptions common = {};
  std::string name = {};
  std::vector<From> from = {};
  std::vector<RenameRule> renames = {};
  Acknowledge acknowledge = Acknowledge::handled;
  HoldingOptions holding = {};
  bool stats = false;
};

/// `galena relay`: re-publishes what it selects.
int run_relay(const RelayOptions& options);

}  // namespace galena::cli
