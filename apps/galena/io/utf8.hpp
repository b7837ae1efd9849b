// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

namespace galena::cli {

/// How many bytes the character at the start has; 0 if it is ill-formed (Unicode's table 3-7).
std::size_t utf8_length(std::string_view text);
bool is_utf8(std::string_view bytes);

}  // namespace galena::cli
