// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "galena/name.hpp"
#include "galena/stage/node_core.hpp"
#include "galena/stats.hpp"

namespace galena::detail {

/// Asks the stage of this global name for its statistics. Thread: any but the node's own; blocks up to `timeout`.
/// Throws Error: unreachable, if nobody has the name; timeout, if it does not answer.
ProducerStats inquire(NodeCore& node, const Name& name, Duration timeout);

}  // namespace galena::detail
