// SPDX-License-Identifier: Apache-2.0
#include "galena/names/service.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "galena/names/beacon.hpp"
#include "galena/net/socket.hpp"
#include "names/node_bench.hpp"

namespace galena::names {
namespace {

using namespace std::chrono_literals;

/// A port for the beacons of one test alone; 0 (which finds nobody) if it is taken.
std::uint16_t own_beacon_port() {
  std::random_device random;
  return static_cast<std::uint16_t>(20'000 + random() % 10'000);
}

TEST_CASE("a dedicated service takes over from the one that a node hosts, and gives back when it goes") {
  NodeBench bench;
  SUBCASE("told over this host's endpoint alone") {}
  SUBCASE("told by beacon as well") { bench.beacon_port = own_beacon_port(); }
  const auto a = bench.node();
  const auto b = bench.node();
  const auto token = bench.register_name(*a, "x", 1).entry->token;
  b->watch("x");
  REQUIRE(bench.until([&] { return b->sees(1); }));
  auto service = bench.service();
  REQUIRE(bench.until([&] { return service->nodes() >= 2 && service->entries() == 1; }));
  CHECK(bench.register_name(*b, "y", 2).outcome == Outcome::ok);
  CHECK(service->entries() == 2);
  service.reset();
  const auto late = bench.node();
  late->watch("x");
  REQUIRE(bench.until([&] { return late->sees(1); }));
  CHECK(late->seen.back()->token == token);
  CHECK(b->seen.size() == 1);  // nothing happened, as far as watchers are concerned
  late->watch("y");
  REQUIRE(bench.until([&] { return late->sees(2); }));
  CHECK(a->lost.empty());
  CHECK(b->lost.empty());
}

TEST_CASE("a dedicated service takes this host's endpoint when its owner goes") {
  NodeBench bench;
  auto host = bench.node();
  CHECK(bench.register_name(*host, "x", 1).outcome == Outcome::ok);
  const auto service = bench.service();
  REQUIRE(bench.until([&] { return service->entries() == 1; }));
  host.reset();
  REQUIRE(bench.until([&] { return service->entries() == 0; }));
  const auto guest = bench.node(false);
  std::optional<bool> listed;
  guest->directory.list(10s, [&](const auto& entries) { listed = entries.has_value(); });
  REQUIRE(bench.until([&] { return listed.has_value(); }));
  CHECK(listed == true);
  CHECK(guest->directory.service() == local_endpoint(bench.domain));
}

TEST_CASE("of several dedicated services one is in charge and the others say who, whoever goes") {
  NodeBench bench;
  bench.beacon_port = own_beacon_port();
  std::vector<std::unique_ptr<Service>> services;
  for (int i = 0; i < 3; ++i) services.push_back(bench.service());
  const auto in_charge = [&] {
    return std::count_if(services.begin(), services.end(), [](const auto& service) { return service->in_charge(); });
  };
  REQUIRE(bench.until([&] { return in_charge() == 1; }));
  const auto a = bench.node();
  CHECK(bench.register_name(*a, "x", 1).outcome == Outcome::ok);
  const auto leader =
      std::find_if(services.begin(), services.end(), [](const auto& service) { return service->in_charge(); });
  CHECK((*leader)->entries() == 1);
  services.erase(leader);
  REQUIRE(bench.until([&] {
    return in_charge() == 1 && std::any_of(services.begin(), services.end(), [](const auto& service) {
             return service->in_charge() && service->entries() == 1;
           });
  }));
  CHECK(a->lost.empty());
}

TEST_CASE("a service that is only heard of, but never answers, changes nothing") {
  NodeBench bench;
  bench.beacon_port = own_beacon_port();
  const auto a = bench.node();
  CHECK(bench.register_name(*a, "x", 1).outcome == Outcome::ok);
  Beacon liar(bench.reactor, {bench.domain, "", bench.beacon_port}, [](const auto&, auto) {});
  for (int i = 0; i < 50; ++i) {
    liar.send({bench.domain, Id::random(), 1000, true, 1});  // nobody listens there
    liar.send({bench.domain, id_of(1), 1000, true, 1});
    bench.reactor.turn(10ms);
  }
  CHECK(bench.register_name(*a, "y", 2).outcome == Outcome::ok);
  CHECK(a->directory.service() == local_endpoint(bench.domain));
}

TEST_CASE("datagrams that are none of ours are counted and ignored") {
  NodeBench bench;
  const std::uint16_t port = own_beacon_port();
  std::vector<std::string> heard;  // domains
  Beacon beacon(bench.reactor, {bench.domain, "", port},
                [&](const Announcement& announcement, auto) { heard.push_back(announcement.domain); });
  net::UdpSocket socket(bench.reactor, port, [&] { socket.receive(); });
  const auto interfaces = net::interfaces("lo");
  REQUIRE(interfaces.size() == 1);
  for (const std::string& bytes : {std::string("hello"), std::string(1400, '\x91'), std::string()}) {
    socket.send(interfaces[0], interfaces[0].broadcast, bytes);
  }
  socket.send(interfaces[0], interfaces[0].broadcast, encode(Announcement{"another", id_of(1), 1, false, 1}));
  socket.send(interfaces[0], interfaces[0].broadcast, encode(Announcement{bench.domain, id_of(1), 1, false, 1}));
  REQUIRE(bench.until([&] { return !heard.empty(); }));
  CHECK(heard == std::vector<std::string>{bench.domain});
  CHECK(beacon.malformed() == 3);
}

TEST_CASE("a beacon that has an interface of its own hears nothing that comes by another") {
  NodeBench bench;
  const std::uint16_t port = own_beacon_port();
  const auto interfaces = net::interfaces("lo");
  REQUIRE(interfaces.size() == 1);
  int heard = 0;
  int heard_elsewhere = 0;
  Beacon here(bench.reactor, {bench.domain, "lo", port}, [&](auto&&, auto) { ++heard; });
  Beacon elsewhere(bench.reactor, {bench.domain, "another", port}, [&](auto&&, auto) { ++heard_elsewhere; });
  for (int sent = 1; sent <= 3; ++sent) {
    here.send({bench.domain, id_of(1), 1, false, 1});
    REQUIRE(bench.until([&] { return heard >= 2 * sent; }));  // by broadcast and by multicast
  }
  CHECK(heard_elsewhere == 0);
  CHECK(elsewhere.malformed() == 0);
}

TEST_CASE("bytes at random, messages of many frames and messages that are too long do a service no harm") {
  NodeBench bench;
  const auto service = bench.service();
  const auto a = bench.node();
  CHECK(bench.register_name(*a, "x", 1).outcome == Outcome::ok);
  int answers = 0;
  int gone = 0;
  net::Dealer stranger(bench.context, bench.reactor, service->endpoint(), {},
                       {[&] {
                          while (stranger.receive()) ++answers;
                        },
                        [] {}, [&] { ++gone; }});
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  Message valid;
  valid.verb = Verb::register_name;
  valid.entry = Entry{registration_of("y", 2), {}, {}};
  const std::string pattern = encode(valid);
  for (int i = 0; i < 2000; ++i) {
    std::string bytes = pattern;
    for (int j = 0; j < 2; ++j) bytes[random() % bytes.size()] = static_cast<char>(random());
    stranger.send(bytes);
  }
  REQUIRE(bench.until([&] { return answers > 1000; }));
  stranger.send(std::string(2 << 20, 'x'));
  REQUIRE(bench.until([&] { return gone == 1; }));
  const auto b = bench.node();
  b->watch("x");
  REQUIRE(bench.until([&] { return b->sees(1); }));
}

TEST_CASE("whoever does not read listings is refused further ones, and gets them again when it has read") {
  NodeBench bench;
  const auto service = bench.service();
  const auto a = bench.node();
  for (std::uint8_t i = 1; i <= 100; ++i) {
    auto registration = registration_of("x" + std::to_string(i), i);
    registration.endpoints.assign(Limits{}.endpoints, std::string(Limits{}.text_bytes, 'e'));
    a->directory.register_name(
        std::move(registration), 5s, [](const Registered&) {}, [](const Entry&) {});
  }
  REQUIRE(bench.until([&] { return service->entries() == 100; }));
  zmq::context_t context;
  zmq::socket_t stranger(context, zmq::socket_type::dealer);
  stranger.set(zmq::sockopt::linger, 0);
  stranger.set(zmq::sockopt::rcvhwm, 1);
  stranger.connect(service->endpoint());
  const auto say = [&](const Message& message) { stranger.send(zmq::buffer(encode(message)), zmq::send_flags::none); };
  const auto hear = [&] {
    zmq::message_t message;
    if (!stranger.recv(message, zmq::recv_flags::dontwait)) return std::optional<Message>();
    return decode(message.to_string_view());
  };
  Message list;
  list.verb = Verb::list;
  constexpr int many = 2'000;
  for (int i = 0; i < many; ++i) say(list);
  Message last;
  last.verb = Verb::register_name;
  last.entry = Entry{registration_of("last", 2), {}, {}};
  say(last);
  REQUIRE(bench.until([&] { return service->entries() == 101; }));
  int listings = 0;
  int refusals = 0;
  const auto count = [&] {
    while (const auto message = hear()) {
      listings += message->verb == Verb::listing ? 1 : 0;
      refusals += message->verb == Verb::refused && message->reason == "read the answers before this one first" ? 1 : 0;
    }
  };
  REQUIRE(bench.until([&] {
    count();
    return listings + refusals == many;
  }));
  CHECK(listings > 0);
  CHECK(listings < 200);  // what the buffers of two kernels hold; all would be 500 MB
  listings = 0;
  REQUIRE(bench.until([&] {
    say(list);
    count();
    return listings > 0;
  }));
}

}  // namespace
}  // namespace galena::names
