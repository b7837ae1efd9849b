// SPDX-License-Identifier: Apache-2.0
#include "galena/stage/environment.hpp"

#include <cstdlib>
#include <sstream>

namespace galena::detail {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nothing in the library sets it
  return value == nullptr ? "" : value;
}

}  // namespace

std::string domain_or_environment(std::string domain) {
  if (domain.empty()) domain = environment("GALENA_DOMAIN");
  return domain.empty() ? "default" : domain;
}

std::vector<std::string> names_or_environment(std::vector<std::string> names) {
  if (!names.empty()) return names;
  std::istringstream list(environment("GALENA_NAMES"));
  for (std::string name; std::getline(list, name, ',');) {
    if (!name.empty()) names.push_back(name);
  }
  return names;
}

}  // namespace galena::detail
