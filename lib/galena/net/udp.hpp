// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "galena/net/interface.hpp"
#include "galena/net/reactor.hpp"

namespace galena::net {

/// A datagram socket that shares its port with whoever else on this host listens there (SO_REUSEADDR; SO_REUSEPORT
/// would lock out a second user). Broadcasts and multicasts reach every one of them, unicasts only one.
class UdpSocket {
 public:
  struct Datagram {
    std::uint32_t from = 0;  ///< host byte order
    unsigned interface = 0;  ///< the index of that by which it came
    std::string bytes;
  };

  /// Binds 0.0.0.0:`port`. Throws galena::Error.
  UdpSocket(Reactor& reactor, std::uint16_t port, std::function<void()> on_readable);
  ~UdpSocket();
  UdpSocket(const UdpSocket&) = delete;
  UdpSocket& operator=(const UdpSocket&) = delete;

  /// Joins multicast `group` (host byte order) on one interface. False if that interface cannot; joining twice is fine.
  bool join(std::uint32_t group, const Interface& on);
  /// Sends from `from`'s address and out of that interface. False if the kernel refused.
  bool send(const Interface& from, std::uint32_t to, std::string_view bytes);
  std::optional<Datagram> receive();

 private:
  Reactor& reactor_;
  std::uint16_t port_;
  int fd_ = -1;
};

}  // namespace galena::net
