// SPDX-License-Identifier: Apache-2.0
// What libFuzzer calls, in every target.
#include "target.hpp"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  galena::fuzz::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
