// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "galena/stage/node_core.hpp"
#include "galena/stage/receiver.hpp"
#include "galena/time.hpp"

namespace galena::detail {

/// What has found nothing for so long says so, if that looks like a mistake.
inline constexpr Duration hint_after = std::chrono::seconds(2);

/// What a name that leads to no stage was probably meant to be: a global one instead of a local one, or the other way
/// round. Empty if it may be right.
std::string name_hint(NodeCore& node, const Name& name);
/// That no stage has the name, and what can be done about it.
std::string not_found(NodeCore& node, const Name& name);

/// Warns of what a program probably did not mean, if the receiver has received nothing so far: the wrong kind of name,
/// and `*` in an exact topic.
void give_hints(NodeCore& node, const Receiver& receiver, const std::string& stage);

}  // namespace galena::detail
