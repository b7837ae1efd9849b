// SPDX-License-Identifier: Apache-2.0
#include "galena/net/udp.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "galena/error.hpp"
#include "net/net_fixture.hpp"

namespace galena::net {
namespace {

constexpr std::uint32_t loopback = 0x7f000001;
constexpr std::uint32_t loopback_broadcast = 0x7fffffff;
constexpr std::uint32_t group = 0xefff2a2a;  // 239.255.42.42: for use within a site

/// A UDP port that nobody has at the moment.
std::uint16_t free_port() {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in in{};
  in.sin_family = AF_INET;
  socklen_t size = sizeof in;
  REQUIRE(bind(fd, reinterpret_cast<sockaddr*>(&in), size) == 0);
  REQUIRE(getsockname(fd, reinterpret_cast<sockaddr*>(&in), &size) == 0);
  close(fd);
  return ntohs(in.sin_port);
}

Interface the_loopback() {
  for (const Interface& interface : interfaces()) {
    if (interface.loopback && interface.address == loopback) return interface;
  }
  FAIL("this host has no 127.0.0.1");
  return {};
}

/// A socket that keeps what it hears.
struct Listener {
  Listener(Reactor& reactor, std::uint16_t port)
      : socket(reactor, port, [this] {
          while (auto datagram = socket.receive()) heard.push_back(std::move(*datagram));
        }) {}

  std::vector<UdpSocket::Datagram> heard;
  UdpSocket socket;
};

TEST_CASE("the loopback is listed with the broadcast address that reaches everybody on this host") {
  const Interface lo = the_loopback();
  CHECK(lo.broadcast == loopback_broadcast);
  CHECK(lo.index > 0);
  const auto only = interfaces(lo.name);
  REQUIRE_FALSE(only.empty());
  for (const Interface& interface : only) CHECK(interface.name == lo.name);
  CHECK(interfaces("no-such-interface").empty());
}

TEST_CASE("an address is written with dots") {
  CHECK(dotted(0xc0000207) == "192.0.2.7");
  CHECK(dotted(0) == "0.0.0.0");
  CHECK(dotted(0xffffffff) == "255.255.255.255");
}

TEST_CASE("a broadcast on the loopback reaches both sockets that share a port, and says who sent it") {
  Reactor reactor;
  const Interface lo = the_loopback();
  const std::uint16_t port = free_port();
  Listener one(reactor, port);
  Listener two(reactor, port);
  CHECK(one.socket.send(lo, lo.broadcast, "hello"));
  CHECK(turn_until(reactor, [&] { return !one.heard.empty() && !two.heard.empty(); }));
  turn_for(reactor, std::chrono::milliseconds(20));
  for (const Listener* listener : {&one, &two}) {
    REQUIRE(listener->heard.size() == 1);
    CHECK(listener->heard[0].bytes == "hello");
    CHECK(listener->heard[0].from == loopback);
    CHECK(listener->heard[0].interface == lo.index);
  }
}

TEST_CASE("a multicast reaches those who joined the group and not those who did not") {
  Reactor reactor;
  const Interface lo = the_loopback();
  const std::uint16_t port = free_port();
  Listener member(reactor, port);
  Listener another(reactor, port);
  Listener stranger(reactor, port);
  REQUIRE(member.socket.join(group, lo));
  REQUIRE(another.socket.join(group, lo));
  CHECK(another.socket.join(group, lo));  // twice is fine
  CHECK(member.socket.send(lo, group, "to members"));
  CHECK(turn_until(reactor, [&] { return !member.heard.empty() && !another.heard.empty(); }));
  CHECK(stranger.socket.send(lo, lo.broadcast, "to all"));
  CHECK(turn_until(reactor, [&] { return member.heard.size() == 2 && !stranger.heard.empty(); }));
  CHECK(member.heard[0].interface == lo.index);
  REQUIRE(stranger.heard.size() == 1);
  CHECK(stranger.heard[0].bytes == "to all");
}

TEST_CASE("an empty datagram is a datagram") {
  Reactor reactor;
  const Interface lo = the_loopback();
  Listener listener(reactor, free_port());
  CHECK(listener.socket.send(lo, lo.broadcast, ""));
  CHECK(turn_until(reactor, [&] { return !listener.heard.empty(); }));
  CHECK(listener.heard[0].bytes.empty());
}

TEST_CASE("what the kernel refuses to send is an answer, not an error") {
  Reactor reactor;
  const Interface lo = the_loopback();
  Listener listener(reactor, free_port());
  CHECK_FALSE(listener.socket.send(lo, lo.broadcast, std::string(100'000, 'x')));
  Interface gone = lo;
  gone.index = 0x7ffffff;
  CHECK_FALSE(listener.socket.join(group, gone));
}

TEST_CASE("a port that somebody holds alone is an error that says which") {
  Reactor reactor;
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in in{};
  in.sin_family = AF_INET;
  socklen_t size = sizeof in;
  REQUIRE(bind(fd, reinterpret_cast<sockaddr*>(&in), size) == 0);
  REQUIRE(getsockname(fd, reinterpret_cast<sockaddr*>(&in), &size) == 0);
  const std::uint16_t port = ntohs(in.sin_port);
  try {
    UdpSocket socket(reactor, port, [] {});
    FAIL("bound a port that is taken");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::system);
    CHECK(std::string(error.what()).find(std::to_string(port)) != std::string::npos);
  }
  close(fd);
}

}  // namespace
}  // namespace galena::net
