// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace galena::names {

/// Where name services announce themselves between hosts (UDP).
inline constexpr std::uint16_t default_beacon_port = 27052;

/// The endpoint that only one process of a host (to be exact: of a network namespace) can bind; free at once when that
/// process goes, in whatever way. Throws galena::Error if `domain` is empty or has more than 64 bytes.
std::string local_endpoint(const std::string& domain);

}  // namespace galena::names
