// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace galena {

/// Prints `file:line: assertion failed: condition (detail)` to stderr and aborts. Any thread.
[[noreturn]] void assertion_failed(const char* file, int line, const char* condition, std::string_view detail);

}  // namespace galena

/// Checks what must be true whatever peers and users do, in every build. `detail` is evaluated only on failure; put the
/// values into it.
#define GALENA_ASSERT(condition, detail)                                    \
  do {                                                                      \
    if (!(condition)) [[unlikely]] {                                        \
      ::galena::assertion_failed(__FILE__, __LINE__, #condition, (detail)); \
    }                                                                       \
  } while (false)
