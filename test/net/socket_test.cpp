// SPDX-License-Identifier: Apache-2.0
#include "galena/net/socket.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "galena/error.hpp"
#include "galena/id.hpp"
#include "galena/net/tsan.hpp"
#include "net/net_fixture.hpp"

namespace galena::net {
namespace {

using namespace std::chrono_literals;

/// A Router that keeps what it receives.
struct Server {
  Server(Context& context, Reactor& reactor, Router::Options options = {})
      : router(context, reactor, options, [this] {
          while (auto message = router.receive()) received.push_back(std::move(*message));
        }) {}

  std::vector<Router::Message> received;
  Router router;
};

/// A Dealer that keeps what it receives and counts what happened to its connection.
struct Client {
  Client(Context& context, Reactor& reactor, const std::string& endpoint, Dealer::Options options = {})
      : dealer(context, reactor, endpoint, options,
               {[this] {
                  while (auto frame = reads ? dealer.receive() : std::nullopt) received.emplace_back(frame->bytes());
                },
                [this] { ++connected; }, [this] { ++disconnected; }}) {}

  bool reads = true;
  int connected = 0;
  int disconnected = 0;
  std::vector<std::string> received;
  Dealer dealer;
};

/// Memory that counts how often it was given back.
struct Lent {
  explicit Lent(std::size_t size = 100'000) : bytes(size, 'L') {}
  Loan loan() { return {bytes.data(), bytes.size(), free, this}; }

  static void free(void*, void* hint) {
    tsan_acquire(hint);
    ++static_cast<Lent*>(hint)->freed;
  }

  std::string bytes;
  std::atomic<int> freed{0};
};

std::string ipc_endpoint() { return "ipc://@galena-net-test-" + Id::random().hex(); }
std::string inproc_endpoint() { return "inproc://net-test-" + Id::random().hex(); }

/// A TCP port that refuses: bound, never listened on.
struct RefusingPort {
  RefusingPort() : fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof in;
    REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&in), size) == 0);
    REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr*>(&in), &size) == 0);
    endpoint = "tcp://127.0.0.1:" + std::to_string(ntohs(in.sin_port));
  }
  ~RefusingPort() { close(fd); }
  RefusingPort(const RefusingPort&) = delete;
  RefusingPort& operator=(const RefusingPort&) = delete;

  int fd;
  std::string endpoint;
};

/// A plain ZeroMQ socket, as a stranger would use it.
zmq::socket_t stranger(Context& context, zmq::socket_type type, const std::string& endpoint) {
  zmq::socket_t socket(context.zmq(), type);
  socket.set(zmq::sockopt::linger, 1000);
  socket.connect(endpoint);
  return socket;
}

void send_frames(zmq::socket_t& socket, const std::vector<std::string>& frames) {
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const auto flags = i + 1 < frames.size() ? zmq::send_flags::sndmore : zmq::send_flags::none;
    REQUIRE(socket.send(zmq::buffer(frames[i]), flags));
  }
}

void exchange_over(const std::string& where) {
  Context context;
  Reactor reactor;
  Server server(context, reactor);
  Client client(context, reactor, server.router.bind(where));
  client.dealer.send("question");
  CHECK(turn_until(reactor, [&] { return server.received.size() == 1; }));
  CHECK(server.received[0].body.bytes() == "question");
  CHECK_FALSE(server.received[0].delimited);
  for (int i = 0; i < 100; ++i) CHECK(server.router.send(server.received[0].peer, std::to_string(i)) == Sent::ok);
  CHECK(turn_until(reactor, [&] { return client.received.size() == 100; }));
  for (int i = 0; i < 100; ++i) CHECK(client.received[static_cast<std::size_t>(i)] == std::to_string(i));
}

TEST_CASE("a router and a dealer exchange messages over tcp") { exchange_over("tcp://127.0.0.1:*"); }
TEST_CASE("a router and a dealer exchange messages over ipc") { exchange_over(ipc_endpoint()); }
TEST_CASE("a router and a dealer exchange messages over inproc") { exchange_over(inproc_endpoint()); }

TEST_CASE("an empty message is a message") {
  Context context;
  Reactor reactor;
  Server server(context, reactor);
  Client client(context, reactor, server.router.bind(ipc_endpoint()));
  client.dealer.send("");
  CHECK(turn_until(reactor, [&] { return !server.received.empty(); }));
  CHECK(server.received[0].body.bytes().empty());
  CHECK_FALSE(server.received[0].delimited);
  CHECK(server.router.send(server.received[0].peer, "") == Sent::ok);
  CHECK(turn_until(reactor, [&] { return client.received.size() == 1; }));
}

TEST_CASE("two dealers are two peers, and each gets its own answer") {
  Context context;
  Reactor reactor;
  Server server(context, reactor);
  const std::string endpoint = server.router.bind("tcp://127.0.0.1:*");
  Client one(context, reactor, endpoint);
  Client two(context, reactor, endpoint);
  one.dealer.send("one");
  two.dealer.send("two");
  CHECK(turn_until(reactor, [&] { return server.received.size() == 2; }));
  CHECK(server.received[0].peer != server.received[1].peer);
  for (const auto& message : server.received) server.router.send(message.peer, message.body.bytes());
  CHECK(turn_until(reactor, [&] { return one.received.size() == 1 && two.received.size() == 1; }));
  CHECK(one.received[0] == "one");
  CHECK(two.received[0] == "two");
}

TEST_CASE("a REQ socket's empty delimiter is noted, and an answer with it reaches the REQ socket") {
  Context context;
  Reactor reactor;
  Server server(context, reactor);
  auto req = stranger(context, zmq::socket_type::req, server.router.bind("tcp://127.0.0.1:*"));
  send_frames(req, {"ask"});
  CHECK(turn_until(reactor, [&] { return !server.received.empty(); }));
  CHECK(server.received[0].delimited);
  CHECK(server.received[0].body.bytes() == "ask");
  CHECK(server.router.send(server.received[0].peer, "answer", true) == Sent::ok);
  req.set(zmq::sockopt::rcvtimeo, static_cast<int>(in_milliseconds(deadline)));
  zmq::message_t answer;
  REQUIRE(req.recv(answer));
  CHECK(answer.to_string() == "answer");
}

TEST_CASE("a message of too many frames comes with an empty body, and the next one is read as it should be") {
  Context context;
  Reactor reactor;
  Server server(context, reactor);
  auto dealer = stranger(context, zmq::socket_type::dealer, server.router.bind(ipc_endpoint()));
  const std::vector<std::vector<std::string>> bad = {{"a", "b"}, {"", "a", "b"}, {"a", "", "b"},
                                                     {"a", ""},  {"", "", "a"},  std::vector<std::string>(100, "x")};
  for (const auto& frames : bad) send_frames(dealer, frames);
  send_frames(dealer, {"", "good"});
  send_frames(dealer, {"good"});
  CHECK(turn_until(reactor, [&] { return server.received.size() == bad.size() + 2; }));
  for (std::size_t i = 0; i < bad.size(); ++i) {
    CAPTURE(i);
    CHECK(server.received[i].body.bytes().empty());
  }
  CHECK(server.received[bad.size()].delimited);
  CHECK(server.received[bad.size()].body.bytes() == "good");
  CHECK_FALSE(server.received[bad.size() + 1].delimited);
  CHECK(server.received[bad.size() + 1].body.bytes() == "good");
}

TEST_CASE("a peer that never was is gone, and so is one that has left") {
  Context context;
  Reactor reactor;
  Server server(context, reactor);
  CHECK(server.router.send("nobody", "x") == Sent::gone);
  CHECK(server.router.send("", "x") == Sent::gone);
  for (const std::string& where : {std::string("tcp://127.0.0.1:*"), ipc_endpoint(), inproc_endpoint()}) {
    CAPTURE(where);
    server.received.clear();
    auto client = std::make_unique<Client>(context, reactor, server.router.bind(where));
    client->dealer.send("hello");
    REQUIRE(turn_until(reactor, [&] { return server.received.size() == 1; }));
    const std::string peer = server.received[0].peer;
    CHECK(server.router.send(peer, "x") == Sent::ok);
    client.reset();
    CHECK(turn_until(reactor, [&] { return server.router.send(peer, "x") == Sent::gone; }));
    CHECK(server.router.send(peer, "x", true) == Sent::gone);
  }
}

TEST_CASE("a delivered loan is given back exactly once") {
  Context context;
  Reactor reactor;
  for (const std::string& where : {std::string("tcp://127.0.0.1:*"), ipc_endpoint(), inproc_endpoint()}) {
    CAPTURE(where);
    Lent down;
    Lent up;
    {
      Server server(context, reactor);
      Client client(context, reactor, server.router.bind(where));
      client.dealer.send(up.loan());
      REQUIRE(turn_until(reactor, [&] { return server.received.size() == 1; }));
      CHECK(server.received[0].body.bytes() == up.bytes);
      CHECK(server.router.send(server.received[0].peer, down.loan()) == Sent::ok);
      REQUIRE(turn_until(reactor, [&] { return client.received.size() == 1; }));
      CHECK(client.received[0] == down.bytes);
      server.received.clear();
      CHECK(turn_until(reactor, [&] { return down.freed == 1 && up.freed == 1; }));
    }
    turn_for(reactor, 20ms);
    CHECK(down.freed == 1);
    CHECK(up.freed == 1);
  }
}

TEST_CASE("a loan to a peer that is gone is given back exactly once, before send returns") {
  Context context;
  Reactor reactor;
  Server server(context, reactor);
  Lent lent;
  CHECK(server.router.send("nobody", lent.loan()) == Sent::gone);
  CHECK(lent.freed == 1);
}

TEST_CASE("loans that wait for a peer that stands still are given back exactly once when it goes away") {
  Context context;
  Reactor reactor;
  Server server(context, reactor);
  const std::string endpoint = server.router.bind("tcp://127.0.0.1:*");
  std::vector<std::unique_ptr<Lent>> loans;
  {
    Client client(context, reactor, endpoint);
    client.dealer.send("hello");
    REQUIRE(turn_until(reactor, [&] { return server.received.size() == 1; }));
    // Nobody turns the client's side from here on.
    for (int i = 0; i < 20; ++i) {
      loans.push_back(std::make_unique<Lent>(1'000'000));
      server.router.send(server.received[0].peer, loans.back()->loan());
    }
  }
  CHECK(turn_until(reactor, [&] {
    for (const auto& lent : loans) {
      if (lent->freed == 0) return false;
    }
    return true;
  }));
  turn_for(reactor, 20ms);
  for (const auto& lent : loans) CHECK(lent->freed == 1);
}

TEST_CASE("loans that nobody ever fetched are given back when the sockets go away") {
  Lent lent;
  {
    Context context;
    Reactor reactor;
    RefusingPort nobody;
    Dealer::Options options;
    options.linger = 0s;
    Client client(context, reactor, nobody.endpoint, options);
    client.dealer.send(lent.loan());
  }
  CHECK(lent.freed == 1);
}

TEST_CASE("a dealer tells once that it is connected and once that it is not any more") {
  Context context;
  Reactor reactor;
  for (const std::string& where : {std::string("tcp://127.0.0.1:*"), ipc_endpoint()}) {
    CAPTURE(where);
    auto server = std::make_unique<Server>(context, reactor);
    Client client(context, reactor, server->router.bind(where));
    CHECK(turn_until(reactor, [&] { return client.connected == 1; }));
    CHECK(client.disconnected == 0);
    server.reset();
    CHECK(turn_until(reactor, [&] { return client.disconnected == 1; }));
    turn_for(reactor);
    CHECK(client.connected == 1);
    CHECK(client.disconnected == 1);
  }
}

TEST_CASE("a dealer that is refused tells once that it is not connected, and does not try again") {
  Context context;
  Reactor reactor;
  RefusingPort refusing;
  Client tcp(context, reactor, refusing.endpoint);
  Client ipc(context, reactor, ipc_endpoint());
  CHECK(turn_until(reactor, [&] { return tcp.disconnected == 1 && ipc.disconnected == 1; }));
  REQUIRE(listen(refusing.fd, 8) == 0);  // from now on it would be let in
  turn_for(reactor, 300ms);
  CHECK(tcp.connected == 0);
  CHECK(tcp.disconnected == 1);
  CHECK(ipc.connected == 0);
  CHECK(ipc.disconnected == 1);
}

TEST_CASE("a dealer that meets somebody who does not speak ZeroMQ tells once that it is not connected") {
  Context context;
  Reactor reactor;
  RefusingPort port;
  REQUIRE(listen(port.fd, 8) == 0);
  Client client(context, reactor, port.endpoint);
  const int peer = accept(port.fd, nullptr, nullptr);
  REQUIRE(peer >= 0);
  const std::string nonsense = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
  REQUIRE(send(peer, nonsense.data(), nonsense.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(nonsense.size()));
  CHECK(turn_until(reactor, [&] { return client.disconnected == 1; }));
  close(peer);
  turn_for(reactor);
  CHECK(client.connected == 0);
  CHECK(client.disconnected == 1);
}

TEST_CASE("what arrived before the connection was lost can still be received after it") {
  Context context;
  Reactor reactor;
  auto server = std::make_unique<Server>(context, reactor);
  Client client(context, reactor, server->router.bind("tcp://127.0.0.1:*"));
  client.dealer.send("hello");
  REQUIRE(turn_until(reactor, [&] { return server->received.size() == 1; }));
  client.reads = false;
  for (int i = 0; i < 1000; ++i) server->router.send(server->received[0].peer, std::to_string(i));
  server.reset();
  CHECK(turn_until(reactor, [&] { return client.disconnected == 1; }));
  CHECK(client.received.empty());
  client.reads = true;
  CHECK(turn_until(reactor, [&] { return client.received.size() == 1000; }));
}

TEST_CASE("a dealer may be destroyed within any of its callbacks") {
  Context context;
  Reactor reactor;
  auto server = std::make_unique<Server>(context, reactor);
  const std::string endpoint = server->router.bind("tcp://127.0.0.1:*");
  std::unique_ptr<Dealer> dealer;
  bool called = false;
  const auto destroy = [&] {
    called = true;
    dealer.reset();
  };
  Dealer::Callbacks callbacks{[] {}, [] {}, [] {}};
  SUBCASE("connected") { callbacks.connected = destroy; }
  SUBCASE("disconnected") {
    callbacks.connected = [&] { server.reset(); };
    callbacks.disconnected = destroy;
  }
  SUBCASE("readable") {
    callbacks.connected = [&] { dealer->send("hello"); };
    callbacks.readable = destroy;
  }
  dealer = std::make_unique<Dealer>(context, reactor, endpoint, Dealer::Options{}, callbacks);
  CHECK(turn_until(reactor, [&] {
    if (server && !server->received.empty()) {
      server->router.send(server->received[0].peer, "answer");
      server->received.clear();
    }
    return called;
  }));
  CHECK_FALSE(dealer);
  turn_for(reactor, 20ms);
}

TEST_CASE("a message larger than the router takes ends the connection it came by, and no other") {
  Context context;
  Reactor reactor;
  Router::Options options;
  options.max_message_bytes = 1000;
  Server server(context, reactor, options);
  const std::string endpoint = server.router.bind("tcp://127.0.0.1:*");
  Client good(context, reactor, endpoint);
  Client bad(context, reactor, endpoint);
  bad.dealer.send(std::string(1001, 'x'));
  CHECK(turn_until(reactor, [&] { return bad.disconnected == 1; }));
  good.dealer.send(std::string(1000, 'x'));
  CHECK(turn_until(reactor, [&] { return server.received.size() == 1; }));
  CHECK(good.disconnected == 0);
}

TEST_CASE("an endpoint has one holder at a time and is free at once when it leaves") {
  Context context;
  Reactor reactor;
  for (const std::string& where : {ipc_endpoint(), std::string("tcp://127.0.0.1:*")}) {
    auto holder = std::make_unique<Server>(context, reactor);
    const std::string endpoint = holder->router.bind(where);
    Server other(context, reactor);
    CHECK_FALSE(other.router.try_bind(endpoint));
    CHECK_THROWS_AS(other.router.bind(endpoint), Error);
    holder->router.unbind(endpoint);
    CHECK(turn_until(reactor, [&] { return other.router.try_bind(endpoint); }));
  }
}

TEST_CASE("a wildcard endpoint comes back filled in") {
  Context context;
  Reactor reactor;
  Server server(context, reactor);
  CHECK(server.router.bind("tcp://127.0.0.1:*").starts_with("tcp://127.0.0.1:"));
  const std::string any = server.router.bind("tcp://*:0");
  CHECK(any.starts_with("tcp://0.0.0.0:"));
  CHECK_FALSE(any.ends_with(":0"));
}

TEST_CASE("an endpoint that makes no sense is an error that names it") {
  Context context;
  Reactor reactor;
  Server server(context, reactor);
  CHECK_THROWS_AS(server.router.bind("nonsense"), Error);
  CHECK_THROWS_AS(server.router.try_bind("tcp://127.0.0.1:notaport"), Error);
  for (const std::string& endpoint :
       {std::string("nonsense"), std::string("tcp://127.0.0.1"), std::string("udp://x")}) {
    CAPTURE(endpoint);
    try {
      Client client(context, reactor, endpoint);
      FAIL("connected");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::invalid);
      CHECK(std::string(error.what()).find(endpoint) != std::string::npos);
    }
  }
}

TEST_CASE("a hundred dealers come, ask and go without a message lost") {
  Context context;
  Reactor reactor;
  Server server(context, reactor);
  const std::string endpoint = server.router.bind(ipc_endpoint());
  for (int round = 0; round < 2; ++round) {
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 50; ++i) {
      clients.push_back(std::make_unique<Client>(context, reactor, endpoint));
      clients.back()->dealer.send("ask");
    }
    std::size_t answered = 0;
    CHECK(turn_until(reactor, [&] {
      for (const auto& message : server.received) server.router.send(message.peer, "answer");
      server.received.clear();
      answered = 0;
      for (const auto& client : clients) answered += client->received.size();
      return answered == clients.size();
    }));
  }
}

}  // namespace
}  // namespace galena::net
