// SPDX-License-Identifier: Apache-2.0
#include "galena/names/beacon.hpp"

#include <algorithm>
#include <utility>

namespace galena::names {
namespace {

/// 239.192.71.76, of the organisation-local scope.
constexpr std::uint32_t group = 0xEFC0474C;
constexpr int datagrams_per_turn = 64;

}  // namespace

Beacon::Beacon(net::Reactor& reactor, Options options, Heard heard)
    : options_(std::move(options)), heard_(std::move(heard)), socket_(reactor, options_.port, [this] { read(); }) {
  for (const net::Interface& interface : net::interfaces(options_.interface)) socket_.join(group, interface);
}

void Beacon::send(const Announcement& announcement) {
  const std::string bytes = encode(announcement);
  // Interfaces come and go, so they are listed anew each time. A send that fails is ignored: broadcast or multicast on
  // this or another interface may still succeed.
  for (const net::Interface& interface : net::interfaces(options_.interface)) {
    socket_.join(group, interface);
    socket_.send(interface, group, bytes);
    if (interface.broadcast != 0) socket_.send(interface, interface.broadcast, bytes);
  }
}

void Beacon::read() {
  for (int budget = datagrams_per_turn; budget > 0; --budget) {
    const auto datagram = socket_.receive();
    if (!datagram) return;
    if (!hears(datagram->interface)) continue;
    const auto announcement = decode_announcement(datagram->bytes);
    if (!announcement) {
      ++malformed_;
    } else if (announcement->domain == options_.domain) {
      heard_(*announcement, datagram->from);
    }
  }
}

/// The socket is bound to all: one that is bound to an address gets no broadcasts.
bool Beacon::hears(unsigned interface) const {
  if (options_.interface.empty()) return true;
  const auto own = net::interfaces(options_.interface);
  return std::any_of(own.begin(), own.end(), [&](const net::Interface& each) { return each.index == interface; });
}

}  // namespace galena::names
