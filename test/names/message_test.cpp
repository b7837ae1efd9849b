// SPDX-License-Identifier: Apache-2.0
#include "galena/names/message.hpp"

#include <doctest/doctest.h>

#include <random>

#include "galena/base/pack.hpp"
#include "names/service_bench.hpp"

namespace galena::names {
namespace {

using namespace std::chrono_literals;

Message full_message(Verb verb) {
  Message message;
  message.verb = verb;
  message.request = 300;
  message.version = 1;
  message.domain = "d";
  message.service = id_of(1);
  message.term = 70'000;
  message.dedicated = true;
  message.node = id_of(2);
  message.lease = 6s;
  message.name = "x";
  message.stage = id_of(3);
  message.entry = Entry{registration_of("x", 3), {1, id_of(1), 5}, 1500ms};
  message.entry->registration.kind = Kind::consumer;
  message.entry->registration.pid = 1234;
  message.entry->registration.host_id = "boot/net";
  message.entry->registration.subscribers = 8;
  message.more = true;
  message.after = "w";
  message.endpoints = {"tcp://192.0.2.1:1", "ipc://y"};
  message.registered = 4;
  message.watching = 3;
  message.waiting = 5;
  message.watchers = 6;
  message.challenge = 7;
  message.subscribers = {{"x", id_of(3), 2}};
  message.reason = std::string(40, 'r');
  if (verb == Verb::listing) message.entries = {*message.entry, Entry{registration_of("y", 4), {}, {}}};
  return message;
}

TEST_CASE("every message comes back as it was said") {
  for (std::uint8_t verb = 0; verb < static_cast<std::uint8_t>(Verb::unknown); ++verb) {
    const std::string bytes = encode(full_message(static_cast<Verb>(verb)));
    const auto read = decode(bytes);
    REQUIRE(read);
    CHECK(read->verb == static_cast<Verb>(verb));
    CHECK(encode(*read) == bytes);
    CHECK(read->entry->registration.pid == 1234);
    CHECK(read->entry->age == 1500ms);
    CHECK(read->subscribers == full_message(Verb::hello).subscribers);
  }
}

TEST_CASE("fields and items of later versions are skipped") {
  PackWriter out;
  out.array(3).str("lookup").map(3);
  out.str("colour").array(2).nil().map(1).uint(1).boolean(true);
  out.str("name").str("x").str("id").uint(4);
  out.str("one more item");
  const auto read = decode(out.bytes());
  REQUIRE(read);
  CHECK(read->verb == Verb::lookup);
  CHECK(read->name == "x");
  CHECK(read->request == 4);
}

TEST_CASE("a word of a later version is a message nonetheless") {
  PackWriter out;
  out.array(2).str("dance").map(1).str("id").uint(4);
  const auto read = decode(out.bytes());
  REQUIRE(read);
  CHECK(read->verb == Verb::unknown);
  CHECK(read->request == 4);
}

TEST_CASE("a message without fields needs no map") {
  const auto read = decode(PackWriter().array(1).str("list").bytes());
  REQUIRE(read);
  CHECK(read->verb == Verb::list);
}

TEST_CASE("a message that is cut anywhere, or followed by anything, is none") {
  const std::string bytes = encode(full_message(Verb::listing));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CAPTURE(size);
    CHECK_FALSE(decode(bytes.substr(0, size)));
  }
  CHECK_FALSE(decode(bytes + "x"));
}

TEST_CASE("a field of another type, or beyond its range, makes the message none") {
  CHECK_FALSE(decode(PackWriter().array(2).str("lookup").map(1).str("name").uint(1).bytes()));
  CHECK_FALSE(decode(PackWriter().array(2).str("hello").map(1).str("service").bin("short").bytes()));
  CHECK_FALSE(decode(PackWriter().array(2).str("hello").map(1).str("lease").uint(UINT64_MAX).bytes()));
  CHECK_FALSE(decode(PackWriter().array(2).str("renew").map(1).str("subscribers").array(1).array(2).bytes()));
  CHECK_FALSE(decode(PackWriter().array(2).str("redirect").map(1).str("endpoints").array(0xffffffff).bytes()));
  CHECK_FALSE(decode(PackWriter().array(2).str("listing").map(1).str("entries").array(0xffffffff).bytes()));
  CHECK_FALSE(decode(PackWriter().array(2).str("lookup").map(0xffffffff).bytes()));
  CHECK_FALSE(decode(PackWriter().array(2).uint(4).map(0).bytes()));
}

TEST_CASE("bytes changed at random are read or refused, never worse") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const std::string bytes = encode(full_message(Verb::listing));
  for (int round = 0; round < 20'000; ++round) {
    std::string broken = bytes;
    for (int i = 0; i < 3; ++i) broken[random() % broken.size()] = static_cast<char>(random());
    if (const auto read = decode(broken); read && read->verb != Verb::unknown) {
      CHECK(decode(encode(*read)));
    }
  }
}

}  // namespace
}  // namespace galena::names
