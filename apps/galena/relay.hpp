// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "common.hpp"
#include "rename.hpp"
#include "topics.hpp"

namespace galena::cli {

struct RelayOptions {
  CommonOptions common = {};
  std::string name = {};
  std::vector<From> from = {};
  std::vector<RenameRule> renames = {};
};

/// `galena relay`: re-publishes what it selects.
int run_relay(const RelayOptions& options);

}  // namespace galena::cli
