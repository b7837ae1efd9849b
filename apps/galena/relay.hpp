// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "common.hpp"
#include "holding.hpp"
#include "rename.hpp"
#include "topics.hpp"

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
