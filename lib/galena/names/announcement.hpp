// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "galena/id.hpp"

namespace galena::names {

/// One beacon datagram. With a service: that service is in charge of `domain` and listens on TCP `port` of the sender's
/// address. Without one: the sender asks whether there is a service.
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
