// SPDX-License-Identifier: Apache-2.0
#include "galena/names/challenges.hpp"

#include <doctest/doctest.h>

#include "names/service_bench.hpp"

namespace galena::names {
namespace {

using namespace std::chrono_literals;

RegisterRequest request_of(const std::string& peer, std::uint8_t stage, std::uint64_t number = 1) {
  return {peer, number, Entry{registration_of("x", stage), {}, {}}};
}

TEST_CASE("the first request for a name opens a challenge and those that follow join it") {
  Challenges challenges(900ms, 8);
  CHECK(challenges.add("x", "owner", request_of("a", 1), start) == Challenges::Added::opened);
  CHECK(challenges.add("x", "owner", request_of("b", 2), start) == Challenges::Added::joined);
  CHECK(challenges.add("y", "owner", request_of("c", 3), start) == Challenges::Added::opened);
  CHECK(challenges.number("x") != challenges.number("y"));
  const auto requests = challenges.close("x");
  REQUIRE(requests.size() == 2);
  CHECK(requests[0].peer == "a");
  CHECK(requests[1].peer == "b");
  CHECK_FALSE(challenges.contains("x"));
  CHECK(challenges.contains("y"));
}

TEST_CASE("a stage that asks again replaces its request, even where no further one is accepted") {
  Challenges challenges(900ms, 1);
  challenges.add("x", "owner", request_of("a", 1, 1), start);
  CHECK(challenges.add("x", "owner", request_of("b", 2), start) == Challenges::Added::full);
  CHECK(challenges.add("x", "owner", request_of("a2", 1, 2), start) == Challenges::Added::joined);
  const auto requests = challenges.close("x");
  REQUIRE(requests.size() == 1);
  CHECK(requests[0].peer == "a2");
  CHECK(requests[0].request == 2);
}

TEST_CASE("only the owner can answer, and only the challenge that is open") {
  Challenges challenges(900ms, 8);
  challenges.add("x", "owner", request_of("a", 1), start);
  const auto number = challenges.number("x");
  CHECK(challenges.awaits("x", number, "owner"));
  CHECK_FALSE(challenges.awaits("x", number, "a"));
  CHECK_FALSE(challenges.awaits("x", number + 1, "owner"));
  CHECK_FALSE(challenges.awaits("y", number, "owner"));
  challenges.close("x");
  CHECK_FALSE(challenges.awaits("x", number, "owner"));
}

TEST_CASE("a challenge that nobody waits for any more is over") {
  Challenges challenges(900ms, 8);
  challenges.add("x", "owner", request_of("a", 1), start);
  challenges.add("x", "owner", request_of("b", 2), start);
  challenges.add("y", "owner", request_of("b", 3), start);
  challenges.erase_request("x", "a", id_of(2));  // not this peer's stage
  challenges.erase_request("x", "a", id_of(1));
  CHECK(challenges.contains("x"));
  challenges.erase_peer("b");
  CHECK_FALSE(challenges.contains("x"));
  CHECK_FALSE(challenges.contains("y"));
  CHECK_FALSE(challenges.poll_unanswered(start + 1s));
}

TEST_CASE("a challenge that was not answered in time is handed out, and one that was closed is not") {
  Challenges challenges(900ms, 8);
  CHECK(challenges.poll_timeout() == never);
  challenges.add("x", "owner", request_of("a", 1), start);
  challenges.add("y", "owner", request_of("a", 1), start + 1ms);
  challenges.close("x");
  challenges.add("x", "owner", request_of("a", 1), start + 500ms);
  CHECK(challenges.poll_timeout() == start + 900ms);
  CHECK(challenges.poll_unanswered(start + 901ms) == "y");
  challenges.close("y");
  CHECK_FALSE(challenges.poll_unanswered(start + 901ms));
  CHECK(challenges.poll_timeout() == start + 1400ms);
  CHECK(challenges.poll_unanswered(start + 1400ms) == "x");
}

}  // namespace
}  // namespace galena::names
