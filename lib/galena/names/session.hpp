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

/// One connection to one name service on behalf of a ClientCore: carries what it says, keeps its times, and tells its
/// owner when there is news in it. After a failure it does nothing any more: make another one.
class Session {
 public:
  enum class State {
    connecting,
    welcomed,    ///< by the service in charge
    redirected,  ///< the core's poll_redirect() says where
    failed,
  };

  /// `news` after each change of state and each message; never from within a call of the owner's. It may destroy the
  /// Session. Throws galena::Error if `endpoint` makes no sense.
  Session(net::Context& context, net::Reactor& reactor, const std::string& endpoint, ClientCore& core,
          std::function<void()> news);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  const std::string& endpoint() const { return endpoint_; }
  State state() const;
  /// Sends what the core has to send, if connected.
  void flush();
  /// When connecting has taken too long; never once connected.
  Time poll_timeout() const { return connected_ ? never : deadline_; }
  /// Call it before the core's own: it reads first.
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
