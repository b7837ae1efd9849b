// SPDX-License-Identifier: Apache-2.0
// Nodes and services through partitions, deaths and sleep, under simulated time and a seeded schedule.
#include <doctest/doctest.h>

#include <array>
#include <cstdlib>
#include <deque>
#include <memory>
#include <random>

#include "galena/names/client_core.hpp"
#include "names/service_bench.hpp"

namespace galena::names {
namespace {

using namespace std::chrono_literals;

/// Two sides, each with a service that is in charge there while they are parted; the first is in charge of both while
/// they are joined. What is sent arrives in order, a little later, or not at all when the connection ends before.
class World {
 public:
  explicit World(std::uint32_t seed) : random_(seed) {
    for (std::size_t i = 0; i < services_.size(); ++i) restart(i);
    for (std::uint8_t i = 0; i < 6; ++i) nodes_.push_back(make_node(i));
  }

  void fault() {
    const std::size_t chosen = random_() % nodes_.size();
    switch (random_() % 6) {
      case 0:
        joined_ = !joined_;
        break;
      case 1:
        restart(random_() % services_.size());
        break;
      case 2:  // killed, and started again as another
        disconnect(*nodes_[chosen], random_() % 2 == 0);
        nodes_[chosen] = make_node(static_cast<std::uint8_t>(chosen));
        break;
      case 3:
        nodes_[chosen]->wakes = now_ + std::chrono::milliseconds(random_() % 9000);
        break;
      default:
        register_name(*nodes_[chosen]);
    }
  }

  void run(Duration time) {
    for (const Time end = now_ + time; now_ < end; now_ += 20ms) step();
  }

  void heal() {
    joined_ = true;
    for (auto& node : nodes_) node->wakes = now_;
    run(20s);
  }

  /// Once all is well again: what the nodes believe they have, the service in charge knows, and all watchers see it.
  void check() {
    std::map<std::string, Id> owners;
    for (const auto& node : nodes_) {
      for (const auto& owned : node->owned) {
        CAPTURE(owned.first);
        CHECK(owners.insert(owned).second);
      }
    }
    for (const auto& node : nodes_) {
      for (const std::string name : names) {
        CAPTURE(name);
        REQUIRE(node->seen.contains(name));
        const auto owner = owners.find(name);
        CHECK(node->seen[name] == (owner == owners.end() ? Id{} : owner->second));
      }
    }
    CHECK(services_[0]->entries() == owners.size());
  }

 private:
  static constexpr std::array<const char*, 3> names = {"x", "y", "z"};

  struct Node {
    explicit Node(ClientCore::Options options) : core(std::move(options)) {}
    ClientCore core;
    std::size_t side = 0;
    std::size_t service = 0;  // connected to, unless `peer` is empty
    std::string peer;
    std::deque<std::string> to_service, to_node;
    Time wakes;
    std::map<std::string, Id> owned;
    std::map<std::string, Id> seen;
  };

  void restart(std::size_t i) {
    ServiceCore::Options options;
    options.id = random_id();
    options.domain = "d";
    services_[i] = std::make_unique<ServiceCore>(options);
    services_[i]->lead(++term_);
    for (auto& node : nodes_) {
      if (!node->peer.empty() && node->service == i) disconnect(*node, false);
    }
  }

  Id random_id() {
    Id id;
    for (auto& byte : id.bytes) byte = static_cast<std::uint8_t>(random_());
    return id;
  }

  std::unique_ptr<Node> make_node(std::uint8_t number) {
    ClientCore::Options options;
    options.node = random_id();
    options.domain = "d";
    auto node = std::make_unique<Node>(options);
    node->side = number % 2;
    for (const std::string name : names) {
      node->core.watch(name, [to = node.get(), name](const std::optional<Entry>& entry) {
        to->seen[name] = entry ? entry->registration.stage : Id{};
      });
    }
    return node;
  }

  void register_name(Node& node) {
    Registration registration;
    registration.name = names[random_() % names.size()];
    registration.stage = random_id();
    if (node.owned.contains(registration.name)) return;
    node.core.register_name(
        registration, 5s,
        [&node, registration](const Registered& result) {
          if (result.outcome == Outcome::ok) node.owned[registration.name] = registration.stage;
        },
        [&node, registration](const Entry& owner) {
          CHECK(owner.registration.stage != registration.stage);
          if (node.owned[registration.name] == registration.stage) node.owned.erase(registration.name);
        },
        now_);
  }

  std::size_t home(const Node& node) const { return joined_ ? 0 : node.side; }

  void connect(Node& node) {
    node.service = home(node);
    node.peer = "peer" + std::to_string(++last_peer_);
    by_peer_[node.peer] = &node;
    node.core.handle_connected(now_);
  }

  /// With `noticed` the service learns of it at once, otherwise when it next sends there, or by the lease.
  void disconnect(Node& node, bool noticed) {
    if (node.peer.empty()) return;
    by_peer_.erase(node.peer);
    if (noticed) services_[node.service]->handle_gone(node.peer, now_);
    node.peer.clear();
    node.to_service.clear();
    node.to_node.clear();
    node.core.handle_disconnected();
  }

  void step() {
    for (auto& node : nodes_) step_node(*node);
    for (auto& service : services_) {
      if (service->poll_timeout() <= now_) service->handle_timeout(now_);
      while (const auto out = service->poll_output()) {
        const auto to = by_peer_.find(out->peer);
        if (to == by_peer_.end()) {
          service->handle_gone(out->peer, now_);
        } else {
          to->second->to_node.push_back(out->bytes);
        }
      }
    }
  }

  void step_node(Node& node) {
    const bool cut = !node.peer.empty() && node.service != home(node);
    if (cut) disconnect(node, random_() % 2 == 0);
    for (; !node.to_service.empty() && !node.peer.empty(); node.to_service.pop_front()) {
      services_[node.service]->handle_message(node.peer, false, node.to_service.front(), now_);
    }
    if (now_ < node.wakes) return;  // it sleeps; libzmq takes what arrives
    if (node.peer.empty()) connect(node);
    for (; !node.to_node.empty(); node.to_node.pop_front()) node.core.handle_message(node.to_node.front(), now_);
    if (node.core.poll_timeout() <= now_) node.core.handle_timeout(now_);
    while (const auto call = node.core.poll_call()) (*call)();
    if (node.core.failed()) return disconnect(node, false);
    while (auto bytes = node.core.poll_send()) node.to_service.push_back(std::move(*bytes));
  }

  std::mt19937 random_;
  Time now_ = Time{} + 1h;
  bool joined_ = true;
  std::uint64_t term_ = 0;
  std::uint64_t last_peer_ = 0;
  std::array<std::unique_ptr<ServiceCore>, 2> services_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::map<std::string, Node*> by_peer_;
};

TEST_CASE("whatever happened, once all can reach each other every name has one owner, and everybody knows which") {
  const auto first = std::random_device{}();
  const char* more = std::getenv("GALENA_TEST_ROUNDS");
  const auto rounds = more == nullptr ? 60u : static_cast<std::uint32_t>(std::atoi(more));
  for (std::uint32_t round = 0; round < rounds; ++round) {
    const std::uint32_t seed = first + round;
    CAPTURE(seed);
    World world(seed);
    std::mt19937 random(seed);
    for (int i = 0; i < 60; ++i) {
      world.fault();
      world.run(std::chrono::milliseconds(random() % 2000));
    }
    world.heal();
    world.check();
  }
}

}  // namespace
}  // namespace galena::names
