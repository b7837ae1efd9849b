// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace galena::fuzz {

/// What each target has: takes the bytes of the fuzzer, and claims what must hold for any.
void run(std::string_view bytes);

}  // namespace galena::fuzz
