// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace galena::net {

/// An IPv4 address of this host, as the kernel lists it now.
struct Interface {
  std::string name;             ///< "eth0"
  std::uint32_t address = 0;    ///< host byte order
  std::uint32_t broadcast = 0;  ///< host byte order; 0 if it has none (the loopback's is 127.255.255.255)
  unsigned index = 0;
  bool loopback = false;
};

/// Interfaces that are up and have an IPv4 address; only those called `only` unless that is empty.
std::vector<Interface> interfaces(const std::string& only = {});

/// "192.0.2.7" for 0xc0000207.
std::string dotted(std::uint32_t address);

/// Whether an endpoint is TCP on the loopback interface, which other hosts cannot reach.
inline bool is_loopback(std::string_view endpoint) { return endpoint.starts_with("tcp://127."); }

}  // namespace galena::net
