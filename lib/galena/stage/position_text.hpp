// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "galena/core/standing.hpp"
#include "galena/selection.hpp"

namespace galena::detail {

/// What a PositionStore keeps of a subscription: where it stands, in which selection, and the epoch of the
/// last attempt of whoever saved it.
struct SavedPosition {
  core::Standing standing;
  std::uint64_t selection = 0;  ///< fingerprint()
  std::uint64_t epoch = 0;
};

/// The same in every process and version.
std::uint64_t fingerprint(const Selection& selection);

std::string to_text(const SavedPosition& position);
/// Empty if it is not what to_text() made.
std::optional<SavedPosition> parse_position(const std::string& text);

}  // namespace galena::detail
