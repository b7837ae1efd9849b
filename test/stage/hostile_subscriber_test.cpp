// SPDX-License-Identifier: Apache-2.0
// What strangers say to a stage's ROUTER: counted, answered where the protocol has an answer, and nobody else's
// business.
#include <doctest/doctest.h>

#include <sys/resource.h>

#include <fstream>

#include "galena/base/pack.hpp"
#include "stage/raw_peer.hpp"
#include "stage/stage_fixture.hpp"

namespace galena::test {
namespace {

using namespace std::chrono_literals;

/// A producer with one healthy subscriber, which must go on whatever the test says to its ROUTER.
struct Victim {
  Victim() { REQUIRE(producer.wait_for_subscribers(1, patience)); }

  void check_healthy() {
    const auto before = keep.events->size();
    for (const auto& number : numbers(100)) producer.ingest("t", number);
    REQUIRE(keep.events->wait_for(before + 100));
    CHECK(keep.events->size() == before + 100);
    CHECK(consumer.stats().states == std::vector<State>{State::connected});
    CHECK(consumer.stats().lost + consumer.stats().unknown_gaps == 0);
  }
  bool wait_for_malformed(std::uint64_t count) {
    return eventually([&] { return producer.stats().malformed >= count; });
  }

  Realm realm;
  Node node{realm.options()};
  Node elsewhere{realm.options()};
  Producer<> producer{node, {.name = global("p"), .hold = 0s, .drain = 0s}};
  Keep keep;
  Consumer<Keep> consumer{elsewhere, keep, {.subscriptions = {{global("p")}}}};
  std::string endpoint = endpoint_of(node, "p");
};

std::string answer(RawDealer& peer) {
  const auto cancel = peer.next<core::Cancel>();
  return cancel ? cancel->reason : "no answer";
}

TEST_CASE("bytes that are not of the protocol are counted and answered, and the others go on") {
  Victim victim;
  std::uint64_t sent = 0;
  std::uint64_t random = 0x9e3779b97f4a7c15;
  RawDealer peer(victim.endpoint);
  std::vector<std::string> frames{"",
                                  "\x00",
                                  "GET / HTTP/1.1\r\n\r\n",
                                  "\x91",
                                  "\xc1",
                                  "\x92\xa5mark",
                                  std::string(1000, '\x91'),
                                  "\xdd\xff\xff\xff\xff",
                                  "\x91\xa9"
                                  "subscribe",
                                  "\x92\xa9"
                                  "subscribe\xdf\xff\xff\xff\xff",
                                  std::string(5 << 20, '\x93')};
  for (int i = 0; i < 200; ++i) {
    std::string bytes(static_cast<std::size_t>(i), '\0');
    for (char& byte : bytes) {
      random ^= random << 13U;
      random ^= random >> 7U;
      random ^= random << 17U;
      byte = static_cast<char>(random);
    }
    frames.push_back(std::move(bytes));
  }
  const std::string valid = core::encode(subscribe_message(30s));
  for (std::size_t cut = 0; cut < valid.size(); ++cut) frames.push_back(valid.substr(0, cut));
  for (const std::string& frame : frames) {
    peer.send(frame);
    ++sent;
  }
  REQUIRE(victim.wait_for_malformed(sent));
  CHECK(victim.producer.stats().malformed == sent);
  for (std::uint64_t i = 0; i < sent; ++i) REQUIRE(answer(peer) == core::reason::malformed);
  CHECK(victim.producer.stats().subscribers.size() == 1);
  victim.check_healthy();
}

TEST_CASE("messages of several frames are refused as one, however many frames") {
  Victim victim;
  RawDealer peer(victim.endpoint);
  const std::string valid = core::encode(subscribe_message(30s));
  peer.send(valid, true);
  peer.send(valid);
  for (int i = 0; i < 10'000; ++i) peer.send(valid, true);
  peer.send("");
  REQUIRE(victim.wait_for_malformed(2));
  CHECK(answer(peer) == core::reason::malformed);
  CHECK(answer(peer) == core::reason::malformed);
  CHECK(victim.producer.stats().subscribers.size() == 1);
  victim.check_healthy();
}

TEST_CASE("a frame beyond the limit ends its connection before it takes memory") {
  Victim victim;
  RawDealer peer(victim.endpoint);
  peer.send(std::string(32 << 20, 'x'));
  // ZeroMQ connects anew for what follows; of the large one nothing has arrived.
  peer.send(core::encode(core::Grant{1, {2, 3}}));
  CHECK(answer(peer) == core::reason::unknown);
  CHECK(victim.producer.stats().malformed == 0);
  victim.check_healthy();
}

TEST_CASE("who grants without a subscription is told that there is none") {
  Victim victim;
  RawDealer peer(victim.endpoint);
  peer.send(core::encode(core::Grant{1, {2, 3}}));
  CHECK(answer(peer) == core::reason::unknown);
  peer.send(core::encode(core::Mark{7}));
  CHECK(answer(peer) == core::reason::unknown);
  peer.send(core::encode(core::Cancel{"cancelled", ""}));  // nothing to say to that
  peer.send(core::encode(core::Grant{1, {2, 3}}));
  CHECK(answer(peer) == core::reason::unknown);
  victim.check_healthy();
}

TEST_CASE(
    "peers of another version only are told which one this is, and counted apart; those that speak this one too are "
    "served") {
  Victim victim;
  auto subscribe = subscribe_message(30s);
  subscribe.versions = {2, 3};
  core::Offer offer{{}, Id::random(), Id::random()};
  offer.versions = {2, 2};
  std::uint64_t refused = 0;
  for (const std::string& newer : {core::encode(subscribe), core::encode(offer), core::encode(core::Inquire{{2, 2}})}) {
    RawDealer peer(victim.endpoint);
    peer.send(newer);
    const auto cancel = peer.next<core::Cancel>();
    REQUIRE(cancel);
    CHECK(cancel->reason == core::reason::version);
    CHECK(cancel->detail.starts_with("this is version 1, not 2"));
    CHECK(victim.producer.stats().wrong_version == ++refused);
  }
  CHECK(victim.producer.stats().malformed == 0);
  CHECK(victim.producer.stats().subscribers.size() == 1);

  RawDealer both(victim.endpoint);
  subscribe.versions = {1, 2};
  both.send(core::encode(subscribe));
  const auto accept = both.next<core::Accept>();
  REQUIRE(accept);
  CHECK(accept->version == 1);
  victim.check_healthy();
}

TEST_CASE("what a publisher says is malformed from a subscriber, and ends its link alone") {
  for (const std::string& wrong :
       {core::encode(core::Mark{1}), core::encode(core::End{1}), core::encode(Gap{0, 1, 1, "x"}),
        core::encode(core::Accept{Id::random(), {Id::random(), 0}}), core::encode(core::Refuse{1, "x"})}) {
    Victim victim;
    RawDealer peer(victim.endpoint);
    peer.send(core::encode(subscribe_message(30s)));
    REQUIRE(peer.next<core::Accept>());
    peer.send(wrong);
    CHECK(answer(peer) == core::reason::malformed);
    CHECK(victim.producer.stats().malformed == 1);
    CHECK(victim.producer.stats().subscribers.size() == 1);
    victim.check_healthy();
  }
}

TEST_CASE("who acknowledges what was never sent is cancelled") {
  Victim victim;
  RawDealer peer(victim.endpoint);
  peer.send(core::encode(subscribe_message(30s, {10, 1000})));
  REQUIRE(peer.next<core::Accept>());
  peer.send(core::encode(core::Grant{1, {20, 2000}}));
  CHECK(answer(peer) == core::reason::acknowledge);
  CHECK(victim.producer.stats().subscribers.size() == 1);
  victim.check_healthy();
}

TEST_CASE("endless credit is clamped: no more than 32 MiB are on their way to one who acknowledges nothing") {
  Victim victim;
  RawDealer peer(victim.endpoint);
  auto greedy = subscribe_message(30s, {~0ULL, ~0ULL});
  greedy.selection = Selection({{false, "greedy"}});
  peer.send(core::encode(greedy));
  REQUIRE(victim.producer.wait_for_subscribers(2, patience));
  const std::string large(64 << 10, 'x');
  int taken = 0;
  while (victim.producer.try_ingest("greedy", large)) ++taken;
  std::uint64_t bytes = 0;
  while (const auto frame = peer.receive(300ms)) bytes += frame->size();
  CHECK(bytes > 12 << 20);
  CHECK(bytes < 33 << 20);
  CHECK(taken >= 256);
  CHECK(victim.producer.stats().buffered_bytes <= 64 << 20);
  victim.check_healthy();
}

TEST_CASE("a second subscribe on one link is refused; another stage's id is told that it is wrong here") {
  Victim victim;
  RawDealer peer(victim.endpoint);
  const std::string wish = core::encode(subscribe_message(30s));
  peer.send(wish);
  peer.send(wish);
  REQUIRE(peer.next<core::Accept>());
  CHECK(answer(peer) == core::reason::malformed);
  auto other = subscribe_message(30s);
  other.stage = Id::random();
  peer.send(core::encode(other));
  CHECK(answer(peer) == core::reason::wrong_stage);
  CHECK(victim.producer.stats().subscribers.size() == 1);
  victim.check_healthy();
}

TEST_CASE("a flood of offers is bounded, and what they send beyond their credit ends their feed") {
  Victim victim;
  RawDealer peer(victim.endpoint);
  const std::string offer = core::encode(core::Offer{{}, Id::random(), Id::random()});
  for (int i = 0; i < 2000; ++i) peer.send(offer);
  // One link is one feed: every second one is refused.
  for (int i = 0; i < 1000; ++i) REQUIRE(answer(peer) == core::reason::malformed);
  CHECK(victim.producer.stats().malformed == 1000);
  const auto wrong = core::encode(core::Offer{Id::random(), Id::random(), Id::random()});
  peer.send(wrong);
  CHECK(answer(peer) == core::reason::wrong_stage);
  victim.check_healthy();
}

std::string batch_of(std::uint32_t events, std::size_t size) {
  PackWriter body;
  for (std::uint32_t i = 0; i < events; ++i) body.bin("fed").bin(std::string(size, 'x'));
  PackWriter header;
  header.array(5).uint(body.bytes().size()).uint(events).uint(0).uint(events).uint(0);
  return header.take() + body.take();
}

TEST_CASE("who feeds more than it was granted while the buffer is full is cut off, not stored") {
  Realm realm;
  Node node(realm.options());
  Producer<> producer(node, {.name = global("p"), .buffer_events = 1});
  producer.ingest("t", "full");
  RawDealer peer(endpoint_of(node, "p"));
  peer.send(core::encode(core::Offer{{}, Id::random(), Id::random()}));
  REQUIRE(peer.next<core::Subscribe>());
  peer.send(core::encode(core::Accept{Id::random(), {Id::random(), 0}, 30s}));
  const std::string batch = batch_of(10, 100'000);
  for (int i = 0; i < 50; ++i) peer.send(batch);
  CHECK(answer(peer) == core::reason::credit);
  CHECK(producer.stats().malformed >= 1);  // what it goes on sending is, too
  Keep keep;
  Consumer<Keep> consumer(node, keep, {.subscriptions = {{producer, {"t"}}}});
  (void)producer.drain(patience);
  CHECK(messages_of(*keep.events, "t") == std::vector<std::string>{"full"});
}

TEST_CASE("what a program that ingests could not deliver is counted as dropped, and logged") {
  Realm realm;
  Node node(realm.options());
  Producer<> producer(node, {.name = global("p")});
  RawDealer peer(endpoint_of(node, "p"));
  peer.send(core::encode(core::Offer{{}, Id::random(), Id::random()}));
  REQUIRE(peer.next<core::Subscribe>());
  peer.send(core::encode(core::Accept{Id::random(), {Id::random(), 0}, 30s}));
  peer.send(core::encode(Gap{0, 5, 5, "full"}));
  peer.send(core::encode(Gap{5, 7, std::nullopt, "lost"}));
  REQUIRE(eventually([&] { return producer.stats().dropped == 6; }));
  CHECK(producer.stats().drops == DropCounts{{{"", "full"}, 5}, {{"", "lost"}, 1}});
  CHECK(realm.wait_for_line("5 events that were ingested elsewhere will not come: full"));
  CHECK(producer.stats().malformed == 0);
}

#if defined(__SANITIZE_ADDRESS__)
constexpr bool memory_comes_back = false;  // AddressSanitizer keeps what is freed for a while
#elif defined(__has_feature)
constexpr bool memory_comes_back = !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer);
#else
constexpr bool memory_comes_back = true;
#endif

long resident_kb() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::stol(line.substr(6));
  }
  return 0;
}

TEST_CASE("answers that a stranger does not read are not kept for it without bound") {
  Victim victim;
  RawDealer peer(victim.endpoint, 1);
  const std::string garbage("\xc1");
  for (int i = 0; i < 1000; ++i) peer.send(garbage);
  REQUIRE(victim.wait_for_malformed(1000));
  const long before = resident_kb();
  // Four times what may wait, and few enough for its connection to outlive them under every sanitizer on a busy
  // machine: one that takes nothing is closed after five seconds.
  constexpr std::uint64_t many = 40'000;
  for (std::uint64_t i = 0; i < many; ++i) peer.send(garbage);
  REQUIRE(victim.wait_for_malformed(many));
  const long grown = resident_kb() - before;
  MESSAGE("after " << many << " unread answers: " << grown << " KB more");
  if (memory_comes_back) CHECK(grown < 4'000);
  victim.check_healthy();
}

TEST_CASE("a subscriber that acknowledges nothing gets small batches all the same, while its credit lasts") {
  Realm realm;
  NodeOptions options = realm.options();
  options.liveness = 1h;  // so that no heartbeat takes them along
  Node node(options);
  Producer<> producer(node, {.name = global("p"), .hold = 0s, .drain = 0s});
  RawDealer peer(endpoint_of(node, "p"));
  peer.send(core::encode(subscribe_message(1h)));
  REQUIRE(producer.wait_for_subscribers(1, patience));
  for (const auto& number : numbers(3)) {
    producer.ingest("t", number);
    auto frame = peer.receive();
    while (frame && !core::starts_with_batch(*frame)) frame = peer.receive();
    REQUIRE(frame);
    CHECK(frame->find(number) != std::string::npos);
  }
}

}  // namespace
}  // namespace galena::test
