// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace galena::fuzz {

/// Prints the claim and ends the process if it does not hold; the fuzzer then keeps the bytes that were read.
inline void claim(bool holds, std::string_view what) {
  if (holds) return;
  std::fprintf(stderr, "claim does not hold: %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

}  // namespace galena::fuzz
