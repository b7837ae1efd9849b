// SPDX-License-Identifier: Apache-2.0
#include "galena/net/interface.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <cstring>

namespace galena::net {
namespace {

std::uint32_t ipv4(const sockaddr* address) {
  sockaddr_in in{};
  std::memcpy(&in, address, sizeof in);
  return ntohl(in.sin_addr.s_addr);
}

}  // namespace

std::vector<Interface> interfaces(const std::string& only) {
  std::vector<Interface> found;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return found;
  for (const ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr == nullptr || at->ifa_addr->sa_family != AF_INET || (at->ifa_flags & IFF_UP) == 0) continue;
    if (!only.empty() && only != at->ifa_name) continue;
    Interface interface;
    interface.name = at->ifa_name;
    interface.address = ipv4(at->ifa_addr);
    interface.index = if_nametoindex(at->ifa_name);
    interface.loopback = (at->ifa_flags & IFF_LOOPBACK) != 0;
    if (interface.loopback && at->ifa_netmask != nullptr) {
      interface.broadcast = interface.address | ~ipv4(at->ifa_netmask);
    } else if ((at->ifa_flags & IFF_BROADCAST) != 0 && at->ifa_broadaddr != nullptr) {
      interface.broadcast = ipv4(at->ifa_broadaddr);
    }
    found.push_back(std::move(interface));
  }
  freeifaddrs(list);
  return found;
}

std::string dotted(std::uint32_t address) {
  const in_addr in{htonl(address)};
  char text[INET_ADDRSTRLEN] = {};
  inet_ntop(AF_INET, &in, text, sizeof text);
  return text;
}

}  // namespace galena::net
