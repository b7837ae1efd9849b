// SPDX-License-Identifier: Apache-2.0
#include "galena/names/migration.hpp"

#include <doctest/doctest.h>

#include "names/service_bench.hpp"

namespace galena::names {
namespace {

using namespace std::chrono_literals;

const Id self = id_of(1);
const Id other = id_of(2);

Migration::Question lookup(const std::string& peer, Time asked) {
  Message message;
  message.verb = Verb::lookup;
  return {asked, peer, false, message};
}

TEST_CASE("a migration begins with the first node of another service, and with nobody else") {
  Migration migration({.self = self});
  migration.handle_hello("a", {}, 5, start);
  migration.handle_hello("b", self, 5, start);
  CHECK_FALSE(migration.is_under_way(start));
  migration.handle_hello("c", other, 0, start);
  CHECK(migration.is_under_way(start + 199ms));
  CHECK_FALSE(migration.is_under_way(start + 200ms));
  migration.handle_hello("d", other, 0, start + 1s);  // of the same service
  CHECK_FALSE(migration.is_under_way(start + 1s));
}

TEST_CASE("a migration lasts until the last name is registered, or the node is gone, or the longest time has passed") {
  Migration migration({.self = self});
  migration.handle_hello("a", other, 2, start);
  migration.handle_register("a");
  migration.handle_register("b");  // has come from nowhere
  CHECK(migration.is_under_way(start + 1s));
  SUBCASE("the last name") { migration.handle_register("a"); }
  SUBCASE("gone") { migration.handle_gone("a"); }
  SUBCASE("the longest time") {
    CHECK(migration.is_under_way(start + 1999ms));
    CHECK_FALSE(migration.is_under_way(start + 2s));
    return;
  }
  CHECK_FALSE(migration.is_under_way(start + 1s));
}

TEST_CASE("a question is deferred for the grace, and for longer while names are missing") {
  Migration migration({.self = self});
  migration.handle_hello("a", other, 1, start);
  CHECK(migration.defer(lookup("q", start)));
  CHECK(migration.poll_timeout() == start + 2s);
  CHECK_FALSE(migration.poll_question(start + 1s));
  migration.handle_register("a");
  CHECK(migration.poll_timeout() == start + 200ms);
  CHECK(migration.poll_question(start + 200ms)->peer == "q");
  CHECK_FALSE(migration.poll_question(start + 200ms));
  CHECK(migration.poll_timeout() == never);
}

TEST_CASE("no more questions are deferred than the limit, and none of a peer that is gone") {
  Migration migration({.self = self, .questions = 2});
  migration.handle_hello("a", other, 0, start);
  CHECK(migration.defer(lookup("q", start)));
  CHECK(migration.defer(lookup("r", start)));
  CHECK_FALSE(migration.defer(lookup("s", start)));
  migration.handle_gone("q");
  CHECK(migration.poll_question(start + 1s)->peer == "r");
}

TEST_CASE("a deferred registration is forgotten when its stage does not want the name any more") {
  Migration migration({.self = self});
  migration.handle_hello("a", other, 0, start);
  Message message;
  message.verb = Verb::register_name;
  message.entry = Entry{registration_of("x", 1), {}, {}};
  migration.defer({start, "p", false, message});
  migration.erase_registration("p", "x", id_of(2));
  migration.erase_registration("q", "x", id_of(1));
  migration.erase_registration("p", "y", id_of(1));
  CHECK(migration.poll_timeout() != never);
  migration.erase_registration("p", "x", id_of(1));
  CHECK(migration.poll_timeout() == never);
}

TEST_CASE(
    "what was not answered is handed out when all is forgotten, and the same service may begin another migration") {
  Migration migration({.self = self});
  migration.handle_hello("a", other, 3, start);
  migration.defer(lookup("q", start));
  CHECK(migration.clear().size() == 1);
  CHECK_FALSE(migration.is_under_way(start));
  migration.handle_hello("a", other, 0, start + 10s);
  CHECK(migration.is_under_way(start + 10s));
}

}  // namespace
}  // namespace galena::names
