// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

namespace galena {

/// The versions of a protocol that one side speaks: `oldest` to `newest`.
struct Versions {
  std::uint64_t oldest = 0;
  std::uint64_t newest = 0;
  friend bool operator==(const Versions&, const Versions&) = default;

  /// The newest version that both sides speak. Empty if there is none.
  std::optional<std::uint64_t> common(const Versions& other) const {
    const std::uint64_t version = std::min(newest, other.newest);
    return version >= std::max(oldest, other.oldest) ? std::optional(version) : std::nullopt;
  }
  std::string text() const { return std::to_string(oldest) + (newest > oldest ? " to " + std::to_string(newest) : ""); }
  /// Why a peer that speaks `other` is turned away: "this is version 1, not 2".
  std::string refuse(const Versions& other) const { return "this is version " + text() + ", not " + other.text(); }
};

}  // namespace galena
