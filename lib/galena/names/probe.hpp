// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "galena/names/session.hpp"

namespace galena::names {

/// Finds out whether a name service answers. Registers and watches nothing there.
class Probe {
 public:
  Probe(net::Context& context, net::Reactor& reactor, const std::string& endpoint, ClientCore::Options options,
        std::function<void()> news)
      : core_(std::move(options)), session_(context, reactor, endpoint, core_, std::move(news)) {}

  Session::State state() const { return session_.state(); }
  /// The service that it redirects to, if it does.
  std::optional<ServiceAddress> poll_redirect() { return core_.poll_redirect(); }
  void handle_timeout(Time now) {
    session_.handle_timeout(now);
    core_.handle_timeout(now);
  }
  Time poll_timeout() const { return std::min(core_.poll_timeout(), session_.poll_timeout()); }

 private:
  ClientCore core_;
  Session session_;
};

}  // namespace galena::names
