// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace galena::detail {

/// The same for all programs that share this machine's boot and network namespace: they reach each other by loopback
/// and by abstract ipc endpoints.
std::string host_id();
/// For people.
std::string host_name();

}  // namespace galena::detail
