// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "galena/net/socket.hpp"

namespace galena::detail {

/// What a publishing side speaks through: a ROUTER that its subscribers connect to, or a DEALER to the one stage that
/// takes its events. On the loop's thread.
class Door {
 public:
  virtual net::Sent send(const std::string& peer, std::string_view bytes) = 0;
  virtual net::Sent lend(const std::string& peer, net::Loan loan) = 0;

  Door() = default;
  virtual ~Door() = default;
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;
};

}  // namespace galena::detail
