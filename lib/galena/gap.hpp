// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "galena/export.hpp"

namespace galena {

/// Publisher to subscriber: of [from, upto), `count` selected events will not come (empty: nobody knows how many).
struct Gap {
  std::uint64_t from = 0;
  std::uint64_t upto = 0;
  std::optional<std::uint64_t> count;
  std::string reason;
};

}  // namespace galena
