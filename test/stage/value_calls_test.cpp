// SPDX-License-Identifier: Apache-2.0
// A producer's handler that is called for values from elsewhere: what else goes on while it runs.
#include "galena/stage/value_calls.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <filesystem>
#include <optional>

#include "galena/base/pack.hpp"
#include "stage/raw_peer.hpp"
#include "stage/stage_fixture.hpp"

namespace galena::test {
namespace {

using namespace std::chrono_literals;

TEST_CASE("while a handler runs for a value from elsewhere, the values before it are sent and acknowledged") {
  Two nodes;
  GatedMaker maker;
  Producer<GatedMaker> producer(nodes.there, maker, {.name = global("p")});
  Keep first;
  Consumer<Keep> consumer(nodes.here, first, of(global("p")));
  REQUIRE(producer.wait_for_subscribers(1, patience));
  RemoteProducer<int> remote(nodes.here, global("p"));
  std::vector<RemoteProducer<int>::Ticket> tickets;
  for (int n = 0; n < 4; ++n) tickets.push_back(remote.ingest(n));
  REQUIRE(maker.gate->wait_until_reached());
  CHECK(first.events->wait_for(1));
  CHECK(remote.answer(tickets[0], patience).verdict == Verdict::accepted);
  CHECK(eventually([&] { return producer.stats().outstanding == 0; }));
  CHECK(remote.counts().pending == 3);

  Keep second;
  Consumer<Keep> later(nodes.here, second, of(global("p")));
  CHECK(producer.wait_for_subscribers(2, patience));
  RemoteProducer<int> other(nodes.there, global("p"));
  const auto behind = other.ingest(7);

  maker.gate->open();
  CHECK(remote.answer(tickets[3], patience).verdict == Verdict::accepted);
  CHECK(other.answer(behind, patience).verdict == Verdict::accepted);
  REQUIRE(producer.drain(patience));
  auto messages = messages_of(*first.events, "t");
  CHECK(std::erase(messages, "7") == 1);  // somewhere between those of the other peer
  CHECK(messages == numbers(4));
  CHECK(second.events->size() == 4);
}

TEST_CASE("no link breaks while a handler runs for a value from elsewhere for longer than the peers' liveness") {
  Realm realm;
  Node here(realm.options(500ms));
  Node there(realm.options(500ms));
  GatedMaker maker;
  Producer<GatedMaker> producer(there, maker, {.name = global("p")});
  Keep keep;
  Record<State> states;
  auto options = of(global("p"));
  options.on_state = [&](const Source&, State state) { states.add(state); };
  Consumer<Keep> consumer(here, keep, std::move(options));
  RawHeartbeats heartbeats(endpoint_of(here, "p"));
  REQUIRE(producer.wait_for_subscribers(2, patience));
  RemoteProducer<int> remote(here, global("p"));
  (void)remote.ingest(1);
  REQUIRE(maker.gate->wait_until_reached());
  CHECK(heartbeats.wait_for(12));  // three times the liveness

  maker.gate->open();
  CHECK(remote.drain(patience));
  CHECK(remote.counts().accepted == 1);
  CHECK(keep.events->wait_for(1));
  const auto all = states.all();
  CHECK(std::count(all.begin(), all.end(), State::lost) == 0);
}

TEST_CASE("what a handler makes of values from elsewhere waits for room, in order, and is accepted when it has some") {
  Two nodes;
  const auto three = [](int n, Sink& out) {
    for (int i = 3 * n; i < 3 * n + 3; ++i) out.emit("t", std::to_string(i));
  };
  Producer producer(nodes.there, three, {.name = global("p"), .buffer_events = 10});
  KeepBehindGate keep;
  Consumer<KeepBehindGate> consumer(nodes.here, keep, of(global("p")));
  REQUIRE(producer.wait_for_subscribers(1, patience));
  RemoteProducer<int> remote(nodes.here, global("p"));
  for (int n = 0; n < 1000; ++n) (void)remote.ingest(n);
  CHECK(eventually([&] { return producer.stats().ingested == 10; }));  // the fourth call found room for one
  CHECK(eventually([&] { return remote.counts().accepted == 3; }));
  keep.gate->open();
  CHECK(remote.drain(patience));
  REQUIRE(producer.drain(patience));
  CHECK((messages_of(*keep.events, "t") == numbers(3000)));
}

TEST_CASE("peers that ingest into one producer take turns: the values of one do not wait for all of another's") {
  Two nodes;
  const auto slow = [](int n) {
    std::this_thread::sleep_for(2ms);
    return Event("t", n);
  };
  Producer producer(nodes.there, slow, {.name = global("p"), .when_full = WhenFull::keep_last, .drain = 0s});
  RemoteProducer<int> one(nodes.here, global("p"), {.drain = 0s});
  RemoteProducer<int> other(nodes.there, global("p"));
  CHECK(other.answer(other.ingest(0), patience).verdict == Verdict::accepted);
  for (int n = 0; n < 1000; ++n) (void)one.ingest(n);
  CHECK(one.answer(1, patience).verdict == Verdict::accepted);
  CHECK(other.answer(other.ingest(1), patience).verdict == Verdict::accepted);
  CHECK(one.counts().pending > 0);
}

TEST_CASE("a producer that is destroyed while its handler runs for a value from elsewhere publishes what that makes") {
  Two nodes;
  GatedMaker maker;
  std::optional<Producer<GatedMaker>> producer;
  producer.emplace(nodes.there, maker, ProducerOptions{.name = global("p")});
  Keep keep;
  Consumer<Keep> consumer(nodes.here, keep, of(global("p")));
  REQUIRE(producer->wait_for_subscribers(1, patience));
  RemoteProducer<int> remote(nodes.here, global("p"));
  std::vector<RemoteProducer<int>::Ticket> tickets;
  for (int n = 1; n < 4; ++n) tickets.push_back(remote.ingest(n));
  REQUIRE(maker.gate->wait_until_reached());
  std::thread end([&] { producer.reset(); });
  for (const auto ticket : tickets) {  // the link ends at once, whatever the handler does
    const auto answer = remote.answer(ticket, patience);
    CHECK(answer.verdict == Verdict::unknown);
  }
  maker.gate->open();
  end.join();
  CHECK(keep.events->wait_for(1));
  CHECK(messages_of(*keep.events, "t") == numbers(2, 1));
}

TEST_CASE("a handler that waits in another producer for a value from elsewhere is ended by close(), and destroyed") {
  Two nodes;
  Producer<> full(nodes.there, {.name = "full", .buffer_events = 1, .drain = 0s});
  full.ingest("t", "fills it");
  std::atomic<int> calls{0};
  const auto passing = [&](int n) {
    ++calls;
    full.ingest("t", n);
    return Event("t", n);
  };
  Producer producer(nodes.there, passing, {.name = global("p")});
  RemoteProducer<int> remote(nodes.here, global("p"), {.drain = 0s});
  const auto ticket = remote.ingest(1);
  REQUIRE(eventually([&] { return calls == 1; }));
  producer.close();
  CHECK(remote.answer(ticket, patience).verdict != Verdict::accepted);
  CHECK(producer.stats().ingested == 0);
}

TEST_CASE("a handler that ingests a value from elsewhere into its own producer is told so") {
  Two nodes;
  std::function<void(int)> again = [](int) {};
  const auto selfish = [&](int n) {
    again(n);
    return Event("t", std::to_string(n));
  };
  Producer producer(nodes.there, selfish, {.name = global("p")});
  again = [&](int n) { producer.ingest(n); };
  RemoteProducer<int> remote(nodes.here, global("p"));
  const auto answer = remote.answer(remote.ingest(1), patience);
  CHECK(answer.verdict == Verdict::refused);
  CHECK(answer.reason.find("ingests into its own producer") != std::string::npos);
}

TEST_CASE("local callers and peers elsewhere call one handler, one at a time") {
  Two nodes;
  int inside = 0;  // not atomic, so that ThreadSanitizer sees it as well
  std::atomic<bool> alone{true};
  const auto counting = [&](int n) {
    if (++inside != 1) alone = false;
    --inside;
    return Event("t", n);
  };
  Producer producer(nodes.there, counting, {.name = global("p"), .when_full = WhenFull::keep_last, .drain = 0s});
  RemoteProducer<int> remote(nodes.here, global("p"));
  RemoteProducer<int> other(nodes.there, global("p"));
  for (int n = 0; n < 2000; ++n) {
    (void)remote.ingest(n);
    (void)other.ingest(n);
    producer.ingest(n);
  }
  CHECK(remote.drain(patience));
  CHECK(other.drain(patience));
  CHECK(alone);
  CHECK(producer.stats().ingested == 6000);
}

TEST_CASE("a malformed frame behind values ends the link when these are handled, and refusals are told before") {
  Two nodes;
  const auto picky = [](int n) {
    if (n < 0) throw std::range_error("negative");
    return Event("t", n);
  };
  Producer producer(nodes.there, picky, {.name = global("p"), .drain = 0s});
  RawDealer peer(endpoint_of(nodes.here, "p"));
  peer.send(core::encode(core::Offer{Id{}, Id::random(), Id::random(), true, 30s}));
  REQUIRE(peer.next<core::Subscribe>());
  peer.send(core::encode(core::Accept{Id::random(), {Id::random(), 0}, 30s}));
  std::string body;
  for (const int n : {1, -2, 3}) {
    const Event value("", n);
    const auto payload = value.view().payload;
    body += PackWriter().bin("").take() + "\xc7" + static_cast<char>(payload.size());  // as an extension
    body += static_cast<char>(core::msgpack_ext_type) + std::string(payload);
  }
  peer.send(PackWriter().array(5).uint(body.size()).uint(3).uint(0).uint(3).uint(0).take() + body);
  peer.send("junk");
  const auto refuse = peer.next<core::Refuse>();
  REQUIRE(refuse);
  CHECK(refuse->number == 2);
  CHECK(refuse->detail == "negative");
  const auto cancel = peer.next<core::Cancel>();
  REQUIRE(cancel);
  CHECK(cancel->reason == core::reason::malformed);
  CHECK(producer.stats().ingested == 2);
}

std::size_t threads() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

TEST_CASE("a producer has a thread for values from elsewhere when the first comes; without a handler it has none") {
  Two nodes;
  const auto same = [](int n) { return Event("t", n); };
  Producer with(nodes.there, same, {.name = global("with"), .drain = 0s});
  Producer<> without(nodes.there, {.name = global("without"), .drain = 0s});
  Consumer<Keep> consumer(nodes.here, {}, of(global("with")));
  REQUIRE(with.wait_for_subscribers(1, patience));  // libzmq has its threads
  const std::size_t before = threads();
  nodes.here.ingest(global("without"), "t", "m");
  CHECK(threads() == before);
  nodes.here.ingest_value(global("with"), 1);
  CHECK(threads() == before + 1);
  nodes.here.ingest_value(global("with"), 2);
  CHECK(threads() == before + 1);
}

}  // namespace
}  // namespace galena::test
