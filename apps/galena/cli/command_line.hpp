// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

namespace galena::cli {

/// What the command line asks for. Prints help and the version by itself, and then returns a command that does nothing.
/// Throws UsageError.
std::function<int()> parse_command_line(int argc, char** argv);

}  // namespace galena::cli
