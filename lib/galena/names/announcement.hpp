// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "galena/id.hpp"

namespace galena::names {

/// What one beacon datagram says: a name service in charge of `domain` is at TCP `port` of the sender; or, with no
/// service, "is there one?".
struct Announcement {
  std::string domain;
  Id service;
  std::uint64_t term = 0;
  bool dedicated = false;
  std::uint16_t port = 0;

  bool asks() const { return !service; }
  friend bool operator==(const Announcement&, const Announcement&) = default;
};

std::string encode(const Announcement& announcement);
/// Empty if `datagram` is not an announcement, is of another version, or has a value that is out of range. Further
/// items, of later versions, are ignored.
std::optional<Announcement> decode_announcement(std::string_view datagram);

}  // namespace galena::names
