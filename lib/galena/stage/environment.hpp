// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace galena::detail {

/// `domain`, or GALENA_DOMAIN, or "default".
std::string domain_or_environment(std::string domain);
/// `names`, or what GALENA_NAMES lists (comma between), or none.
std::vector<std::string> names_or_environment(std::vector<std::string> names);

}  // namespace galena::detail
