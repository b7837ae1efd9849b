// SPDX-License-Identifier: Apache-2.0
// Events that are larger than whoever is to take them allows.
#include <doctest/doctest.h>

#include "stage/raw_peer.hpp"
#include "stage/stage_fixture.hpp"

namespace galena::test {
namespace {

using namespace std::chrono_literals;

const std::string large(600'000, 'x');

ConsumerOptions taking(std::uint64_t largest_event) {
  ConsumerOptions options{.subscriptions = {{.producer = global("p"), .largest_event = largest_event}}};
  options.identity = "archive";
  return options;
}

TEST_CASE("a consumer that does not take an event is told so, as its producer is; one that takes it goes on there") {
  Two nodes;
  Producer<> producer(nodes.there, {.name = global("p"), .register_within = patience});
  {
    Keep keep;
    const Consumer<Keep> consumer(nodes.here, keep, taking(500'000));
    REQUIRE(producer.wait_for_subscribers(1, patience));
    producer.ingest("t", "before");
    producer.ingest("t", large);
    producer.ingest("t", "after");
    REQUIRE(nodes.realm.wait_for_line("link to p is over: it said 'too-large': an event of 600001 bytes is next"));
    REQUIRE(nodes.realm.wait_for_line("an event of 600001 bytes is next, and the subscriber takes 500000 at most"));
    CHECK(messages_of(*keep.events, "t") == std::vector<std::string>{"before"});
  }
  Keep keep;
  const Consumer<Keep> consumer(nodes.here, keep, taking(64 << 20));
  REQUIRE(keep.events->wait_for(2));
  CHECK(messages_of(*keep.events, "t") == std::vector<std::string>{large, "after"});
  CHECK(consumer.stats().lost + consumer.stats().unknown_gaps == 0);
  CHECK(producer.drain(patience));
}

TEST_CASE("a frame that is much larger than a consumer takes ends the connection before it is here") {
  Realm realm;
  Node node(realm.options());
  RawRouter raw;
  FakeProducer fake(node, "p", raw.endpoint());
  Keep keep;
  const Consumer<Keep> consumer(node, keep, taking(300'000));
  const auto wish = raw.next<core::Subscribe>();
  REQUIRE(wish);
  CHECK(wish->second.largest_event == 300'000);
  raw.send(wish->first, core::encode(core::Accept{fake.stage(), {Id::random(), 0}, 30s}));
  raw.send(wish->first, batch(0, 1, {std::string(3 << 20, 'x')}));
  const auto again = raw.next<core::Subscribe>();
  REQUIRE(again);
  CHECK(again->second.epoch > wish->second.epoch);
  CHECK(keep.events->size() == 0);
}

TEST_CASE("an event that a producer elsewhere does not take is refused, whenever it was handed in; others arrive") {
  Two nodes;
  RemoteProducer<> remote(nodes.here, global("p"), {.queue_bytes = 8 << 20});
  const auto before = remote.ingest("t", large);  // nobody knows yet how much the producer takes
  Producer<> producer(nodes.there, {.name = global("p"), .buffer_bytes = 1 << 20, .register_within = patience});
  const auto later = remote.ingest("t", large);
  const auto small = remote.ingest("t", "small");
  CHECK(remote.answer(small, patience).verdict == Verdict::accepted);
  for (const auto ticket : {before, later}) {
    CHECK(remote.answer(ticket, patience).verdict == Verdict::refused);
    CHECK(remote.answer(ticket, patience).reason ==
          "an event of 600000 bytes is larger than 'p' takes: at most 262144 with its topic");
  }
  CHECK(producer.stats().ingested == 1);
}

}  // namespace
}  // namespace galena::test
