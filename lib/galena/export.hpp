// SPDX-License-Identifier: Apache-2.0
#pragma once

// Every public header includes this one, so that this is the first that an older compiler, or one without the flag,
// says.
#if __cplusplus < 202002L
#error "Galena needs C++20: compile with -std=c++20 (CMake: cxx_std_20, Meson: cpp_std=c++20)"
#endif

/// Marks what the shared library exports. Everything else in it is hidden.
#define GALENA_API [[gnu::visibility("default")]]
