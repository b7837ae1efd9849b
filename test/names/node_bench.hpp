// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "galena/names/directory.hpp"
#include "galena/names/service.hpp"
#include "names/service_bench.hpp"
#include "net/net_fixture.hpp"

namespace galena::names {

/// A directory that remembers what it was told.
struct Node {
  Node(net::Context& context, net::Reactor& reactor, DirectoryOptions options, const Logger& logger)
      : directory(context, reactor, std::move(options), logger) {}

  void register_name(const std::string& name, std::uint8_t stage, Duration timeout = std::chrono::seconds(5)) {
    directory.register_name(
        registration_of(name, stage), timeout, [this](Registered result) { results.push_back(std::move(result)); },
        [this](const Entry& owner) { lost.push_back(owner); });
  }
  void watch(const std::string& name) {
    directory.watch(name, [this](std::optional<Entry> entry) { seen.push_back(std::move(entry)); });
  }
  bool sees(std::uint8_t stage) const {
    return !seen.empty() && seen.back() && seen.back()->registration.stage == id_of(stage);
  }
  bool sees_nobody() const { return !seen.empty() && !seen.back(); }

  std::vector<Registered> results;
  std::vector<Entry> lost;
  std::vector<std::optional<Entry>> seen;
  Directory directory;
};

/// Nodes and services of a domain that no other test has, all on one reactor.
struct NodeBench {
  std::unique_ptr<Node> node(bool host = true, std::vector<std::string> services = {}) {
    DirectoryOptions options;
    options.domain = domain;
    options.host = host;
    options.services = std::move(services);
    options.beacon_port = beacon_port;
    return std::make_unique<Node>(context, reactor, options, logger);
  }
  std::unique_ptr<Service> service(bool dedicated = true, const std::string& bind = "tcp://127.0.0.1:*") {
    ServiceOptions options;
    options.domain = domain;
    options.bind = bind;
    options.beacon_port = beacon_port;
    options.dedicated = dedicated;
    return std::make_unique<Service>(context, reactor, options, logger);
  }
  bool until(const std::function<bool()>& done, Duration limit = net::deadline) {
    return net::turn_until(reactor, done, limit);
  }
  /// Enrolls and waits for the answer.
  Registered register_name(Node& node, const std::string& name, std::uint8_t stage) {
    const std::size_t before = node.results.size();
    node.register_name(name, stage);
    until([&] { return node.results.size() > before; });
    return node.results.size() > before ? node.results.back() : Registered{Outcome::unreachable, {}, 0, "no answer"};
  }

  std::uint16_t beacon_port = 0;
  std::string domain = "test-" + Id::random().hex();
  Logger logger{LogLevel::off, {}};
  net::Context context;
  net::Reactor reactor;
};

}  // namespace galena::names
