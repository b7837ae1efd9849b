// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace galena {

/// The parts with `between` between them. (fmt::join warns of an overflow that is none if GCC 12 optimises with -O3.)
inline std::string join(std::span<const std::string> parts, std::string_view between) {
  std::string result;
  for (const std::string& part : parts) {
    if (&part != parts.data()) result += between;
    result += part;
  }
  return result;
}

}  // namespace galena
