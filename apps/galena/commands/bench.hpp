// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace galena::cli {

/// `galena bench`: this process becomes galena-bench, which must be in the directory of this program. Returns only if
/// that fails: the exit code, after it has said why.
int run_bench(const std::vector<std::string>& arguments);

}  // namespace galena::cli
