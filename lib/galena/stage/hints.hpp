// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "galena/logger.hpp"
#include "galena/stage/receiver.hpp"

namespace galena::detail {

/// Warns of what a program probably did not mean, if the receiver has received nothing so far: a local name where only
/// a global one could be meant, and `*` in an exact topic.
void give_hints(const Receiver& receiver, const std::string& stage, const Logger& logger);

}  // namespace galena::detail
