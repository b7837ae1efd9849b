// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "galena/core/segment.hpp"

namespace galena::core {

/// What is to be sent to a peer, as one frame: either bytes of its own, or a range of a segment. The segment is pinned
/// until the receiver of the parcel calls segment->release().
struct Parcel {
  std::string peer;
  Segment* segment = nullptr;
  std::uint32_t begin = 0;
  std::uint32_t size = 0;
  std::string bytes = {};

  std::string_view view() const { return segment != nullptr ? std::string_view{segment->data() + begin, size} : bytes; }
};

}  // namespace galena::core
