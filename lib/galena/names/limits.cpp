// SPDX-License-Identifier: Apache-2.0
#include "galena/names/limits.hpp"

#include <algorithm>

namespace galena::names {

std::string Limits::problem(const Registration& registration) const {
  if (registration.name.empty()) return "a name has at least one byte";
  if (registration.name.size() > name_bytes) return "a name has at most " + std::to_string(name_bytes) + " bytes";
  if (!registration.stage) return "a registration says its stage's id";
  if (registration.endpoints.size() > endpoints) {
    return "a stage has at most " + std::to_string(endpoints) + " endpoints";
  }
  const auto too_long = [&](const std::string& text) { return text.size() > text_bytes; };
  if (too_long(registration.host_id) || too_long(registration.host_name) ||
      std::any_of(registration.endpoints.begin(), registration.endpoints.end(), too_long)) {
    return "an endpoint, a host's name and its id have at most " + std::to_string(text_bytes) + " bytes each";
  }
  return {};
}

}  // namespace galena::names
