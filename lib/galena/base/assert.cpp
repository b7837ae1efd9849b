// SPDX-License-Identifier: Apache-2.0
#include "galena/base/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace galena {

void assertion_failed(const char* file, int line, const char* condition, std::string_view detail) {
  std::fprintf(stderr, "%s:%d: assertion failed: %s (%.*s)\n", file, line, condition, static_cast<int>(detail.size()),
               detail.data());
  std::abort();
}

}  // namespace galena
