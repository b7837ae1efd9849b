// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>

namespace galena {

/// The sum, or 2^64-1 if that is less: a number near it means "without bound", and more of it is still without bound.
inline std::uint64_t add_capped(std::uint64_t one, std::uint64_t other) {
  constexpr auto most = std::numeric_limits<std::uint64_t>::max();
  return one > most - other ? most : one + other;
}

}  // namespace galena
