// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "galena/node.hpp"

namespace galena::detail {

/// Where what belongs to a Node finds what runs it.
struct NodeAccess {
  static const std::shared_ptr<NodeCore>& core(Node& node) { return node.core_; }
};

}  // namespace galena::detail
