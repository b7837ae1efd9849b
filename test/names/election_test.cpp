// SPDX-License-Identifier: Apache-2.0
#include "galena/names/election.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <random>
#include <set>

#include "names/service_bench.hpp"

namespace galena::names {
namespace {

using namespace std::chrono_literals;

const Time start = Time{} + 1h;

Election::Options options_of(std::uint8_t id, bool dedicated = false) {
  Election::Options options;
  options.id = id_of(id);
  options.dedicated = dedicated;
  return options;
}

ServiceAddress address_of(std::uint8_t id, std::uint64_t term, bool dedicated = false) {
  return {id_of(id), term, dedicated, {"tcp://192.0.2." + std::to_string(id) + ":1"}};
}

TEST_CASE("dedicated goes before embedded, then the higher term, then the lower id") {
  CHECK(goes_before(address_of(9, 1, true), address_of(1, 5, false)));
  CHECK(goes_before(address_of(9, 5), address_of(1, 4)));
  CHECK(goes_before(address_of(1, 5), address_of(9, 5)));
  CHECK_FALSE(goes_before(address_of(9, 5), address_of(9, 5)));
}

TEST_CASE("a service is in charge at once, and after its probation has a term above all it heard of") {
  Election election(options_of(5), start);
  CHECK(election.in_charge());
  CHECK(election.term() == 0);
  election.handle_term(41);
  election.handle_timeout(start + 499ms);
  CHECK(election.term() == 0);
  election.handle_timeout(start + 500ms);
  CHECK(election.term() == 42);
}

TEST_CASE("a term that no honest service can have reached is not believed") {
  Election election(options_of(5), start);
  election.handle_term(UINT64_MAX);
  election.handle_announced(address_of(1, UINT64_MAX), start);
  CHECK_FALSE(election.trial());
  election.handle_timeout(start + 1s);
  CHECK(election.term() == 1);
}

TEST_CASE("a newcomer never displaces who is in charge") {
  Election old(options_of(9), start);
  old.handle_timeout(start + 1s);
  old.handle_announced(address_of(1, 0), start + 2s);
  CHECK(old.in_charge());
  CHECK_FALSE(old.trial());
  CHECK(old.poll_announcement(start + 2s));  // so that the newcomer learns of it at once
}

TEST_CASE("who goes before is followed only once it has answered") {
  Election election(options_of(5), start);
  election.handle_announced(address_of(7, 3), start);
  REQUIRE(election.trial());
  CHECK(election.trial()->endpoint == "tcp://192.0.2.7:1");
  CHECK(election.in_charge());
  SUBCASE("it answers") {
    election.handle_answered(start);
    CHECK_FALSE(election.in_charge());
    CHECK(election.leader()->service == id_of(7));
    CHECK_FALSE(election.poll_announcement(start + 10s));
  }
  SUBCASE("it does not: it is tried again after a while") {
    election.handle_unanswered(start);
    CHECK(election.in_charge());
    CHECK_FALSE(election.trial());
    CHECK(election.poll_timeout() <= start + 2s);
    election.handle_announced(address_of(7, 3), start + 1s);
    CHECK_FALSE(election.trial());
    election.handle_timeout(start + 2s);
    CHECK(election.trial());
  }
}

TEST_CASE("all addresses of a service are tried, those of its own host last") {
  Election election(options_of(5), start);
  auto other = address_of(7, 3);
  other.endpoints = {"tcp://127.0.0.1:1", "tcp://192.0.2.7:1", "ipc://x"};
  election.handle_announced(other, start);
  CHECK(election.trial()->endpoint == "tcp://192.0.2.7:1");
  election.handle_unanswered(start);
  REQUIRE(election.trial());
  CHECK(election.trial()->endpoint == "tcp://127.0.0.1:1");
  election.handle_answered(start);
  CHECK(election.leader()->endpoints.front() == "tcp://127.0.0.1:1");
}

TEST_CASE("a service does not overtake one that goes before it and did not answer, while that announces itself") {
  Election election(options_of(5), start);
  election.handle_announced(address_of(7, 3), start);
  election.handle_unanswered(start);
  for (Time now = start; now < start + 1500ms; now += 100ms) election.handle_timeout(now);
  CHECK(election.in_charge());
  CHECK(election.term() == 0);
  election.handle_timeout(start + 7s);  // nothing was heard of it for so long
  election.handle_timeout(start + 8s);
  CHECK(election.term() == 4);
}

TEST_CASE("a service in charge contradicts a lesser one at once, and nobody else") {
  Election election(options_of(5), start);
  election.handle_timeout(start + 1s);
  REQUIRE(election.term() == 1);
  const Time now = start + 60s;
  REQUIRE(election.poll_announcement(now));
  election.handle_announced(address_of(1, 4), now + 10ms);
  CHECK_FALSE(election.poll_announcement(now + 100ms));  // that one goes before
  election.handle_announced(address_of(9, 0), now + 110ms);
  CHECK(election.poll_announcement(now + 110ms));
}

TEST_CASE("when the one followed is gone a follower is in charge at once") {
  Election election(options_of(5), start);
  election.handle_announced(address_of(7, 3), start);
  election.handle_answered(start);
  election.handle_leader_lost(start + 20s);
  CHECK(election.in_charge());
  CHECK(election.poll_announcement(start + 20s));
  election.handle_timeout(start + 21s);
  CHECK(election.term() == 4);
}

TEST_CASE("a follower changes over to a dedicated service that appears") {
  Election election(options_of(5), start);
  election.handle_announced(address_of(7, 3), start);
  election.handle_answered(start);
  election.handle_announced(address_of(9, 0, true), start + 1s);
  REQUIRE(election.trial());
  CHECK(election.leader()->service == id_of(7));
  election.handle_answered(start + 1s);
  CHECK(election.leader()->service == id_of(9));
}

TEST_CASE("whoever asks is answered, but a flood of questions is not") {
  Election election(options_of(5), start);
  int announcements = 0;
  for (Time now = start; now < start + 1s; now += 1ms) {
    election.handle_question(now);
    if (election.poll_announcement(now)) ++announcements;
  }
  CHECK(announcements >= 15);
  CHECK(announcements <= 21);
}

TEST_CASE("a service alone announces itself rarely") {
  Election election(options_of(5), start);
  int announcements = 0;
  for (Time now = start; now < start + 60s;) {
    election.handle_timeout(now);
    if (election.poll_announcement(now)) ++announcements;
    REQUIRE(election.poll_timeout() > now);
    now = election.poll_timeout();
  }
  CHECK(announcements < 45);
}

TEST_CASE("a flood of announced services is bounded, and the one on trial survives it") {
  Election election(options_of(5), start);
  election.handle_announced(address_of(7, 100), start);
  for (int i = 0; i < 5000; ++i) {
    ServiceAddress liar = address_of(1, 1);
    liar.service = Id::random();
    election.handle_announced(liar, start + 1s);
  }
  REQUIRE(election.trial());
  CHECK(election.trial()->service == id_of(7));
  election.handle_answered(start + 1s);
  CHECK(election.leader()->service == id_of(7));
}

/// Services in a network of which some parts may not reach others; announcements and answers take no time.
struct Network {
  struct Host {
    std::unique_ptr<Election> election;
    int part = 0;
  };

  ServiceAddress address(std::size_t i) const {
    return {id_of(static_cast<std::uint8_t>(i + 1)),
            hosts[i].election->term(),
            dedicated.contains(i),
            {"tcp://host:" + std::to_string(i)}};
  }
  bool reach(std::size_t i, std::size_t j) const {
    return hosts[i].election && hosts[j].election && hosts[i].part == hosts[j].part;
  }
  void start_host(std::size_t i) {
    hosts[i].election =
        std::make_unique<Election>(options_of(static_cast<std::uint8_t>(i + 1), dedicated.contains(i)), now);
  }
  std::size_t index(const std::string& endpoint) const { return std::stoul(endpoint.substr(11)); }

  void step() {
    for (std::size_t i = 0; i < hosts.size(); ++i) {
      if (!hosts[i].election) continue;
      Election& election = *hosts[i].election;
      election.handle_timeout(now);
      if (election.leader()) {
        const std::size_t leader = index(election.leader()->endpoints.front());
        if (!reach(i, leader) || !hosts[leader].election->in_charge()) election.handle_leader_lost(now);
      }
      if (const auto trial = election.trial()) {
        const std::size_t other = index(trial->endpoint);
        const bool answers = reach(i, other) && hosts[other].election->in_charge();
        answers ? election.handle_answered(now) : election.handle_unanswered(now);
      }
      if (!election.poll_announcement(now)) continue;
      for (std::size_t j = 0; j < hosts.size(); ++j) {
        if (j != i && reach(i, j)) hosts[j].election->handle_announced(address(i), now);
      }
    }
    now += 10ms;
  }

  Time now = start;
  std::vector<Host> hosts{6};
  std::set<std::size_t> dedicated{4};
};

TEST_CASE("whatever happened before, services that reach each other soon agree on one") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 40; ++round) {
    CAPTURE(round);
    Network network;
    for (int fault = 0; fault < 30; ++fault) {
      auto& host = network.hosts[random() % network.hosts.size()];
      switch (random() % 3) {
        case 0:
          host.part = static_cast<int>(random() % 2);
          break;
        case 1:
          host.election.reset();
          break;
        default:
          if (!host.election) network.start_host(static_cast<std::size_t>(&host - network.hosts.data()));
      }
      for (auto steps = random() % 100; steps > 0; --steps) network.step();
    }
    for (std::size_t i = 0; i < network.hosts.size(); ++i) {
      network.hosts[i].part = 0;
      if (!network.hosts[i].election && random() % 2 == 0) network.start_host(i);
    }
    for (int steps = 0; steps < 500; ++steps) network.step();
    std::set<Id> leaders;
    std::size_t alive = 0;
    for (std::size_t i = 0; i < network.hosts.size(); ++i) {
      const auto& election = network.hosts[i].election;
      if (!election) continue;
      ++alive;
      leaders.insert(election->in_charge() ? network.address(i).service : election->leader()->service);
    }
    CHECK(leaders.size() == std::min<std::size_t>(alive, 1));
    if (network.hosts[4].election) CHECK(leaders == std::set{id_of(5)});
  }
}

}  // namespace
}  // namespace galena::names
