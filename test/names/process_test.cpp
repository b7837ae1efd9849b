// SPDX-License-Identifier: Apache-2.0
// Names and the processes that hold them: what is left when one is killed, and who else can ask.
#include <doctest/doctest.h>

#include "child.hpp"
#include "names/node_bench.hpp"

namespace galena::names {
namespace {

using namespace std::chrono_literals;
using test::built;
using test::Child;

Child peer(const NodeBench& bench, const std::string& what, const std::string& name) {
  return Child({built("names/names_peer"), bench.domain, what, name});
}

TEST_CASE("a killed process's name is free at once, and its watchers are told") {
  NodeBench bench;
  const auto host = bench.node();
  CHECK(bench.register_name(*host, "other", 9).outcome == Outcome::ok);
  Child owner = peer(bench, "register", "x");
  host->watch("x");
  REQUIRE(bench.until([&] { return !host->seen.empty() && host->seen.back(); }));
  owner.signal(SIGKILL);
  const Time killed = Clock::now();
  const auto next = bench.node();
  const auto result = bench.register_name(*next, "x", 1);
  CHECK(result.outcome == Outcome::ok);
  MESSAGE("taken over " << in_milliseconds(Clock::now() - killed) << " ms after kill -9");
  CHECK(Clock::now() - killed < 900ms);  // nobody waited for a lease, or for a challenge
  REQUIRE(bench.until([&] { return host->sees(1); }));
}

TEST_CASE("when the host's process is killed another node hosts, and names are back by themselves") {
  NodeBench bench;
  Child host = peer(bench, "register", "of the host");
  REQUIRE(host.line("ok") == "ok 0");
  const auto producer = bench.node();
  const auto token = bench.register_name(*producer, "x", 1).entry->token;
  const auto consumer = bench.node();
  consumer->watch("x");
  consumer->watch("of the host");
  REQUIRE(bench.until([&] { return consumer->seen.size() == 2; }));
  host.signal(SIGKILL);
  const Time killed = Clock::now();
  REQUIRE(bench.until([&] { return consumer->seen.size() == 3; }));
  CHECK(consumer->sees_nobody());
  const auto late = bench.node();
  late->watch("x");
  REQUIRE(bench.until([&] { return late->sees(1); }));
  MESSAGE("back " << in_milliseconds(Clock::now() - killed) << " ms after kill -9");
  CHECK(late->seen.size() == 1);
  CHECK(late->seen.back()->token == token);
  CHECK(bench.register_name(*late, "of the host", 2).outcome == Outcome::ok);
}

TEST_CASE("every process keeps its name through a row of killed hosts") {
  NodeBench bench;
  std::vector<std::unique_ptr<Child>> hosts;
  for (int i = 0; i < 4; ++i) {
    hosts.push_back(std::make_unique<Child>(
        std::vector<std::string>{built("names/names_peer"), bench.domain, "register", "h" + std::to_string(i)}));
    REQUIRE(hosts.back()->line("ok") == "ok 0");
  }
  const auto consumer = bench.node();
  consumer->watch("h3");
  REQUIRE(bench.until([&] { return !consumer->seen.empty() && consumer->seen.back(); }));
  for (int i = 0; i < 3; ++i) {
    hosts[static_cast<std::size_t>(i)]->signal(SIGKILL);
    std::optional<std::vector<Entry>> listed;
    REQUIRE(bench.until([&] {
      consumer->directory.list(1s, [&](auto entries) { listed = std::move(entries); });
      bench.reactor.turn(50ms);
      return listed && listed->size() == static_cast<std::size_t>(3 - i);
    }));
  }
  CHECK(consumer->seen.size() == 1);
}

TEST_CASE("a process that sleeps through its challenge loses the name, and is told when it wakes") {
  NodeBench bench;
  const auto host = bench.node();
  host->watch("x");
  REQUIRE(bench.until([&] { return host->sees_nobody(); }));
  Child sleeper = peer(bench, "register", "x");
  REQUIRE(bench.until([&] { return sleeper.line("ok", 5ms) == "ok 1"; }));
  sleeper.signal(SIGSTOP);
  const Time asked = Clock::now();
  CHECK(bench.register_name(*host, "x", 1).outcome == Outcome::ok);
  CHECK(Clock::now() - asked >= 800ms);
  sleeper.signal(SIGCONT);
  std::string told;
  REQUIRE(bench.until([&] { return (told = sleeper.line("lost", 20ms)) != Child::nothing; }));
  CHECK(told == "lost " + id_of(1).hex());
  REQUIRE(bench.until([&] { return host->sees(1); }));
  CHECK(host->lost.empty());
}

TEST_CASE("a plain REQ socket of another language looks up and lists") {
  static constexpr const char* script = R"(
import msgpack, sys, zmq
socket = zmq.Context().socket(zmq.REQ)
socket.setsockopt(zmq.RCVTIMEO, 10000)
socket.connect(sys.argv[1])
def ask(*message):
    socket.send(msgpack.packb(message))
    return msgpack.unpackb(socket.recv())
verb, fields = ask("lookup", {"id": 5, "name": "x"})
entry = fields["entry"]
print(verb, fields["id"], entry["name"], entry["kind"], entry["endpoints"], len(entry["stage"]), len(entry["token"]))
print(ask("lookup", {"name": "nobody"}))
verb, fields = ask("list")
print(verb, [entry["name"] for entry in fields["entries"]], fields["more"])
print(ask("register", {"entry": entry})[0], ask("sing", {})[0], ask(7)[0])
)";
  NodeBench bench;
  const auto host = bench.node();
  CHECK(bench.register_name(*host, "x", 1).outcome == Outcome::ok);
  CHECK(bench.register_name(*host, "y", 2).outcome == Outcome::ok);
  Child python({"/usr/bin/python3", "-u", "-c", script, local_endpoint(bench.domain)});
  std::vector<std::string> lines;
  REQUIRE(bench.until([&] {
    if (auto line = python.line("", 5ms); line != Child::nothing) lines.push_back(std::move(line));
    return lines.size() == 4;
  }));
  CHECK(lines[0] == "found 5 x producer ['tcp://192.0.2.1:1001'] 16 3");
  CHECK(lines[1] == "['found', {'name': 'nobody', 'entry': None}]");
  CHECK(lines[2] == "listing ['x', 'y'] False");
  CHECK(lines[3] == "refused refused refused");
}

}  // namespace
}  // namespace galena::names
