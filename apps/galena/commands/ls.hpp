// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/common.hpp"

namespace galena::cli {

struct LsOptions {
  CommonOptions common = {};
  Duration timeout = std::chrono::seconds(2);
  bool json = false;
  bool stats = false;  ///< the account of each subscription
};

/// `galena ls`: what is registered.
int run_ls(const LsOptions& options);

}  // namespace galena::cli
