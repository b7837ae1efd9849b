// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "galena/names/link.hpp"

namespace galena::names {

/// Asks one name service whether it is there, without wanting anything of it.
class Probe {
 public:
  Probe(net::Context& context, net::Reactor& reactor, const std::string& endpoint, ClientCore::Options options,
        std::function<void()> news)
      : core_(std::move(options)), link_(context, reactor, endpoint, core_, std::move(news)) {}

  Link::State state() const { return link_.state(); }
  /// Where it sent us, if it did.
  std::optional<ServiceAddress> poll_redirect() { return core_.poll_redirect(); }
  void handle_timeout(Time now) {
    link_.handle_timeout(now);
    core_.handle_timeout(now);
  }
  Time poll_timeout() const { return std::min(core_.poll_timeout(), link_.poll_timeout()); }

 private:
  ClientCore core_;
  Link link_;
};

}  // namespace galena::names
