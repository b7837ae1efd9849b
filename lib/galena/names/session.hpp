// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "galena/names/client_core.hpp"
#include "galena/net/context.hpp"
#include "galena/net/reactor.hpp"
#include "galena/net/socket.hpp"

namespace galena::names {

/// One connection between a ClientCore and a name service. Carries their messages, and tells its owner when something
/// has happened. A session that has failed is over: make another one.
class Session {
 public:
  enum class State {
    connecting,
    welcomed,    ///< by a service, which is in charge
    redirected,  ///< the core's poll_redirect() says where
    failed,
  };

  /// Calls `news` after each change of state and each message, never from within a call of the owner's. `news` may
  /// destroy the Session. Throws galena::Error if `endpoint` is not one.
  Session(net::Context& context, net::Reactor& reactor, const std::string& endpoint, ClientCore& core,
          std::function<void()> news);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  const std::string& endpoint() const { return endpoint_; }
  State state() const;
  /// Sends what the core has to send, once the connection is there.
  void flush();
  /// When to give up connecting; `never` once connected.
  Time poll_timeout() const { return connected_ ? never : deadline_; }
  /// To be called before the core's handle_timeout(): it reads what has arrived.
  void handle_timeout(Time now);

 private:
  void read();
  bool receive(Time now);
  void tell();

  std::string endpoint_;
  ClientCore& core_;
  std::function<void()> news_;
  bool connected_ = false;
  bool failed_ = false;
  Time deadline_;
  std::unique_ptr<net::Dealer> dealer_;
};

}  // namespace galena::names
