// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "galena/names/announcement.hpp"
#include "galena/net/udp.hpp"

namespace galena::names {

/// Sends and receives announcements on every interface, the loopback included. Sends each by broadcast and by
/// multicast, because most networks let one of the two pass. Anybody can send one, so it is only a hint.
class Beacon {
 public:
  struct Options {
    std::string domain;     ///< announcements of others are not reported
    std::string interface;  ///< only this one, what others send by another is not heard; empty: all
    std::uint16_t port = 0;
  };
  /// `from` is the sender's IPv4 address in host byte order.
  using Heard = std::function<void(const Announcement& announcement, std::uint32_t from)>;

  /// Throws galena::Error if the port cannot be bound.
  Beacon(net::Reactor& reactor, Options options, Heard heard);

  void send(const Announcement& announcement);
  /// Datagrams that were not announcements.
  std::uint64_t malformed() const { return malformed_; }

 private:
  void read();
  bool hears(unsigned interface) const;

  Options options_;
  Heard heard_;
  net::UdpSocket socket_;
  std::uint64_t malformed_ = 0;
};

}  // namespace galena::names
