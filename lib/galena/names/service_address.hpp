// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "galena/id.hpp"

namespace galena::names {

/// A name service as others know it: how it ranks, and where it is asked.
struct ServiceAddress {
  Id service;
  std::uint64_t term = 0;  ///< of its reign; zero while it is on probation
  bool dedicated = false;
  std::vector<std::string> endpoints;
};

/// Which of two is in charge: dedicated before embedded, then the higher term, then the lower id.
inline bool goes_before(const ServiceAddress& a, const ServiceAddress& b) {
  if (a.dedicated != b.dedicated) return a.dedicated;
  if (a.term != b.term) return a.term > b.term;
  return a.service < b.service;
}

/// A term heard from anybody must leave room above it, or a liar could end all succession.
inline constexpr std::uint64_t highest_credible_term = std::uint64_t{1} << 48;

}  // namespace galena::names
