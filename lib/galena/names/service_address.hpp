// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "galena/id.hpp"

namespace galena::names {

/// How a name service ranks among others, and its endpoints.
struct ServiceAddress {
  Id service;
  std::uint64_t term = 0;  ///< zero while it is on probation
  bool dedicated = false;
  std::vector<std::string> endpoints;
};

/// Whether `a` is in charge if there are both: dedicated before embedded, then the higher term, then the lower id.
inline bool goes_before(const ServiceAddress& a, const ServiceAddress& b) {
  if (a.dedicated != b.dedicated) return a.dedicated;
  if (a.term != b.term) return a.term > b.term;
  return a.service < b.service;
}

/// Terms from this one on are ignored: each successor takes a higher term, so a peer that claims the highest number
/// would leave none.
inline constexpr std::uint64_t highest_credible_term = std::uint64_t{1} << 48;

}  // namespace galena::names
