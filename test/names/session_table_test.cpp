// SPDX-License-Identifier: Apache-2.0
#include "galena/names/session_table.hpp"

#include <doctest/doctest.h>

#include "names/service_bench.hpp"

namespace galena::names {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a session has the lease that was asked for, within the limits, and keeps it") {
  SessionTable sessions({});
  CHECK(sessions.open("a", "", 1s, start));
  CHECK(sessions.lease("a") == 1s);
  CHECK(sessions.open("a", "", {}, start));
  CHECK(sessions.lease("a") == 1s);
  sessions.open("b", "", {}, start);
  CHECK(sessions.lease("b") == 6s);
  sessions.open("c", "", 1ms, start);
  CHECK(sessions.lease("c") == 100ms);
  sessions.open("d", "", 1000h, start);
  CHECK(sessions.lease("d") == 10min);
}

TEST_CASE("one host has at most so many sessions; another one, and those of this host, begin theirs all the same") {
  SessionTable sessions({.sessions_per_address = 2});
  CHECK(sessions.open("a", "192.0.2.1", 1s, start));
  CHECK(sessions.open("b", "192.0.2.1", 1s, start));
  CHECK_FALSE(sessions.open("c", "192.0.2.1", 1s, start));
  CHECK(sessions.open("a", "192.0.2.1", 1s, start));
  CHECK(sessions.open("d", "192.0.2.2", 1s, start));
  for (const char* peer : {"e", "f", "g"}) CHECK(sessions.open(peer, "", 1s, start));
  CHECK(sessions.erase("b"));
  CHECK_FALSE(sessions.erase("b"));
  CHECK(sessions.open("c", "192.0.2.1", 1s, start));
  CHECK_FALSE(sessions.open("b", "192.0.2.1", 1s, start));
  sessions.clear();
  CHECK(sessions.open("x", "192.0.2.1", 1s, start));
  CHECK(sessions.open("y", "192.0.2.1", 1s, start));
}

TEST_CASE("no more sessions begin than the limit, but those that there are go on") {
  SessionTable sessions({.sessions = 1});
  CHECK(sessions.open("a", "", 1s, start));
  CHECK_FALSE(sessions.open("b", "", 1s, start));
  CHECK(sessions.open("a", "", 2s, start));
  CHECK(sessions.erase("a"));
  CHECK_FALSE(sessions.erase("a"));
  CHECK(sessions.open("b", "", 1s, start));
}

TEST_CASE("a session that is not renewed expires after its lease, and no other") {
  SessionTable sessions({});
  sessions.open("a", "", 1s, start);
  sessions.open("b", "", 1s, start);
  CHECK(sessions.poll_timeout() == start + 1s);
  CHECK(sessions.poll_expired(start + 999ms).empty());
  sessions.renew("b", start + 500ms);
  sessions.renew("nobody", start + 500ms);
  CHECK(sessions.poll_expired(start + 1s) == std::vector<std::string>{"a"});
  sessions.erase("a");
  CHECK(sessions.poll_timeout() == start + 1500ms);
  CHECK(sessions.poll_expired(start + 1500ms) == std::vector<std::string>{"b"});
}

}  // namespace
}  // namespace galena::names
