// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cli/common.hpp"

namespace galena::cli {

struct NamesOptions {
  CommonOptions common = {};
  std::string bind = "tcp://*:0";
  bool beacon = true;
  bool json = false;
};

/// `galena names`: a dedicated name service, until a signal.
int run_names(const NamesOptions& options);

}  // namespace galena::cli
