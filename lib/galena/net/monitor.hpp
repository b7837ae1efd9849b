// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "galena/net/context.hpp"
#include "galena/net/reactor.hpp"

namespace galena::net {

/// Receives libzmq's events about the connections of one socket. Destroy it before the socket.
class Monitor {
 public:
  /// `what` is one of ZMQ_EVENT_*, `value` what libzmq documents for it (mostly a descriptor).
  using Heard = std::function<void(int what, std::uint32_t value)>;

  /// `events` is a mask of ZMQ_EVENT_*. `heard` may destroy the Monitor. Throws galena::Error.
  Monitor(Context& context, Reactor& reactor, zmq::socket_t& socket, int events, Heard heard);
  ~Monitor();
  Monitor(const Monitor&) = delete;
  Monitor& operator=(const Monitor&) = delete;

 private:
  void read();

  zmq::socket_t& watched_;
  Heard heard_;
  zmq::socket_t socket_;
  std::unique_ptr<Reactor::Watch> watch_;
};

}  // namespace galena::net
