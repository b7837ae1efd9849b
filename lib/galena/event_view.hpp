// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "galena/export.hpp"

namespace galena {

/// What a payload is. It travels with every event.
enum class Encoding : std::uint8_t {
  raw,      ///< bytes, meaning whatever the two ends agree on
  msgpack,  ///< one MessagePack value
};

/// An event in somebody else's memory: valid as long as whoever handed it out says, in a handler until it returns.
struct EventView {
  std::string_view topic;
  std::string_view payload;
  Encoding encoding = Encoding::raw;
  /// Of what a handler is given: it may have been handled before, see docs/delivery.md. What a stage makes of it is
  /// marked as well, whatever is said here.
  bool repeated = false;
};

}  // namespace galena
