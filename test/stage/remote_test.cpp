// SPDX-License-Identifier: Apache-2.0
// Ingesting into a producer that runs elsewhere: accepted, refused, waited for, or not known.
#include <doctest/doctest.h>

#include "stage/raw_peer.hpp"
#include "stage/stage_fixture.hpp"

namespace galena::test {
namespace {

using namespace std::chrono_literals;

struct Greeter {
  Event handle_produce(int n) {
    if (n < 0) throw std::range_error("negative");
    return {"t", std::to_string(n)};
  }
};

struct Repeats {
  void handle_produce(int times, const std::string& what, Sink& out) {
    for (int i = 0; i < times; ++i) out.emit("t", what);
  }
};

struct Shape {
  virtual ~Shape() = default;
  virtual std::string name() const = 0;
};
struct Square final : Shape {
  std::string name() const override { return "square"; }
};
/// Takes what nobody elsewhere could send.
struct Draws {
  Event handle_produce(const Shape& shape, int) { return {"t", shape.name()}; }
};

std::string refused(const std::function<void()>& call, ErrorCode code) {
  try {
    call();
  } catch (const Error& error) {
    return error.code() == code ? error.what() : "another code: " + std::string(error.what());
  }
  return "it worked";
}

bool says(const std::string& text, const std::string& part) {
  if (text.find(part) == std::string::npos) MESSAGE(text);
  return text.find(part) != std::string::npos;
}

TEST_CASE("a value ingested from elsewhere goes through handle_produce there, and has been accepted on return") {
  Two nodes;
  Producer<Greeter> producer(nodes.there, {}, {.name = global("p")});
  Keep keep;
  Consumer<Keep> consumer(nodes.here, keep, {.subscriptions = {{global("p")}}});
  REQUIRE(producer.wait_for_subscribers(1, patience));
  for (int n = 0; n < 100; ++n) {
    nodes.here.ingest_value(global("p"), n);
    CHECK(producer.stats().ingested == static_cast<std::uint64_t>(n) + 1);
  }
  REQUIRE(producer.drain(patience));
  CHECK(messages_of(*keep.events, "t") == numbers(100));
}

TEST_CASE("topic and message go to a producer without a handler, also within the node and by local name") {
  Two nodes;
  Producer<> remote(nodes.there, {.name = global("p")});
  Producer<> local(nodes.here, {.name = "local"});
  nodes.here.ingest(global("p"), "a", "1");
  nodes.there.ingest(global("p"), "b", 2);
  nodes.here.ingest("local", "c", "3");
  Keep keep;
  Consumer<Keep> consumer(nodes.here, keep, {.subscriptions = {{global("p"), {"a"}}, {"local"}}});
  REQUIRE(remote.drain(patience));
  REQUIRE(local.drain(patience));
  auto events = keep.events->all();
  std::sort(events.begin(), events.end());
  CHECK(events == std::vector<Received>{{"a", "1"}, {"c", "3"}});
  CHECK(remote.stats().ingested == 2);
}

TEST_CASE("what does not unpack, and what the handler throws at, is refused with the reason; the next is accepted") {
  Two nodes;
  Producer<Greeter> producer(nodes.there, {}, {.name = global("p")});
  CHECK(says(refused([&] { nodes.here.ingest_value(global("p"), "text"); }, ErrorCode::refused), "not of the type"));
  CHECK(says(refused([&] { nodes.here.ingest_value(global("p"), -1); }, ErrorCode::refused), "negative"));
  nodes.here.ingest_value(global("p"), 7);
  const ProducerStats stats = producer.stats();
  CHECK(stats.ingested == 1);
  CHECK(stats.refused == 2);
  Consumer<Keep> taker(nodes.here, {}, {.subscriptions = {{global("p")}}});
  REQUIRE(producer.drain(patience));
}

TEST_CASE("a handler may throw anything at a value from elsewhere") {
  Two nodes;
  const auto thrower = [](int) -> Event { throw 42; };
  Producer producer(nodes.there, thrower, {.name = global("p")});
  CHECK(says(refused([&] { nodes.here.ingest_value(global("p"), 1); }, ErrorCode::refused), "refused the event"));
  CHECK(producer.stats().refused == 1);
}

TEST_CASE("a producer with a handler refuses events, one without refuses values, a relay refuses both: at once") {
  Two nodes;
  Producer<Greeter> with(nodes.there, {}, {.name = global("with")});
  Producer<> without(nodes.there, {.name = global("without")});
  const auto same = [](const EventView& event) { return event; };
  ProducerConsumer relay(nodes.there, same, {.name = global("relay"), .subscriptions = {{global("without")}}});
  const Time before = Clock::now();
  for (int i = 0; i < 3; ++i) {
    CHECK(says(refused([&] { nodes.here.ingest(global("with"), "t", "m"); }, ErrorCode::refused), "has a handler"));
    CHECK(says(refused([&] { nodes.here.ingest_value(global("without"), 1); }, ErrorCode::refused), "has no handler"));
    CHECK(
        says(refused([&] { nodes.here.ingest(global("relay"), "t", "m"); }, ErrorCode::refused), "its own producers"));
  }
  CHECK(Clock::now() - before < 8s);
  nodes.here.ingest_value(global("with"), 1);
  CHECK(with.stats().ingested == 1);
  CHECK(without.stats().ingested == 0);
  Consumer<Keep> taker(nodes.here, {}, {.subscriptions = {{global("with")}}});
  REQUIRE(with.drain(patience));
}

TEST_CASE("what was refused because the producer takes no such thing is not kept for a later one of that name") {
  Two nodes;
  {
    Producer<Greeter> with(nodes.there, {}, {.name = global("p")});
    CHECK(says(refused([&] { nodes.here.ingest(global("p"), "t", "refused"); }, ErrorCode::refused), "has a handler"));
  }
  Producer<> without(nodes.there, {.name = global("p")});
  nodes.here.ingest(global("p"), "t", "accepted");
  Keep keep;
  Consumer<Keep> consumer(nodes.here, keep, {.subscriptions = {{global("p")}}});
  REQUIRE(without.drain(patience));
  CHECK(keep.events->all() == std::vector<Received>{{"t", "accepted"}});
}

TEST_CASE("a handler of several inputs takes a tuple of them from elsewhere") {
  Two nodes;
  Keep keep;
  Producer<Repeats> producer(nodes.there, {}, {.name = global("p")});
  Consumer<Keep> consumer(nodes.there, keep, of(producer));
  producer.ingest(2, "here");
  nodes.here.ingest_value(global("p"), std::tuple(1, "there"));
  RemoteProducer<std::pair<int, std::string>> remote(nodes.here, global("p"));
  CHECK(remote.answer(remote.ingest(std::pair(2, "streamed")), patience).verdict == Verdict::accepted);
  CHECK(says(refused([&] { nodes.here.ingest_value(global("p"), std::tuple("there", 1)); }, ErrorCode::refused),
             "not of the type that this producer's handle_produce takes"));
  REQUIRE(producer.drain(patience));
  CHECK(messages_of(*keep.events, "t") == std::vector<std::string>{"here", "here", "there", "streamed", "streamed"});

  Producer<Draws> draws(nodes.there, {}, {.name = global("draws")});
  draws.ingest(Square{}, 1);
  CHECK(says(refused([&] { nodes.here.ingest_value(global("draws"), std::tuple("square", 1)); }, ErrorCode::refused),
             "takes no value that its program can unpack"));
}

TEST_CASE("a name nobody has is told within the time given") {
  Two nodes;
  const std::string text =
      refused([&] { nodes.here.ingest(global("nobody"), "t", "m", {.timeout = 100ms}); }, ErrorCode::unreachable);
  CHECK(says(text, "no stage has the name 'nobody'; `galena ls` lists"));
}

TEST_CASE("a name of the wrong kind is told, by the error and after a while by a warning") {
  Realm realm;
  Node node(realm.options());
  Producer<> producer(node, {.name = "here"});
  Producer<> other(node, {.name = global("everywhere")});
  const auto unreachable = [&](const Name& name) {
    return refused([&] { node.ingest(name, "t", "m", {.timeout = 10ms}); }, ErrorCode::unreachable);
  };
  const std::string not_global =
      "no stage has the global name 'here', but a stage of this Node has it as its local name";
  const std::string not_local =
      "no stage of this Node is called 'everywhere'; for one that has it as its global name write "
      "galena::global(\"everywhere\")";
  CHECK(says(unreachable(global("here")), not_global));
  CHECK(says(unreachable("everywhere"), not_local));
  CHECK(realm.lines->size() == 0);  // before two seconds have passed

  RemoteProducer<> remote(node, "everywhere", {.drain = 0s});
  Keep keep;
  Consumer<Keep> consumer(node, keep, {.name = "c", .subscriptions = {{global("here")}}});
  CHECK(realm.wait_for_line("ingest into 'everywhere' still searches: " + not_local));
  CHECK(realm.wait_for_line("c: still searches: " + not_global));
}

TEST_CASE("a full producer makes ingest from elsewhere wait, or time out; what waits is taken when there is room") {
  Two nodes;
  Producer<> producer(nodes.there, {.name = global("p"), .buffer_events = 3});
  for (const auto& number : numbers(3)) nodes.here.ingest(global("p"), "t", number);
  CHECK(says(refused([&] { nodes.here.ingest(global("p"), "t", "3", {.timeout = 100ms}); }, ErrorCode::unknown),
             "may have been accepted"));
  std::thread other([&] { nodes.here.ingest(global("p"), "t", "4", {.timeout = patience}); });
  Keep keep;
  Consumer<Keep> consumer(nodes.here, keep, {.subscriptions = {{global("p")}}});
  other.join();
  REQUIRE(producer.drain(patience));
  CHECK(messages_of(*keep.events, "t") == numbers(5));  // the one that timed out was on its way already
}

TEST_CASE("a stream from elsewhere keeps its order and is accounted for, also through a small buffer") {
  Two nodes;
  Producer<> producer(nodes.there, {.name = global("p"), .buffer_bytes = 64 << 10});
  Keep keep;
  Consumer<Keep> consumer(nodes.here, keep, {.subscriptions = {{global("p")}}});
  RemoteProducer remote(nodes.here, global("p"));
  RemoteProducer<>::Ticket last = 0;
  for (const auto& number : numbers(20'000)) last = remote.ingest("t", number);
  CHECK(remote.answer(last, patience).verdict == Verdict::accepted);
  const auto counts = remote.counts();
  CHECK(counts.taken == 20'000);
  CHECK(counts.accepted == 20'000);
  CHECK(counts.refused + counts.unknown + counts.pending == 0);
  REQUIRE(producer.drain(patience));
  CHECK((messages_of(*keep.events, "t") == numbers(20'000)));
}

TEST_CASE("refusals in a stream are told for their own events only") {
  Two nodes;
  Producer<Greeter> producer(nodes.there, {}, {.name = global("p")});
  RemoteProducer<int> remote(nodes.here, global("p"));
  std::vector<RemoteProducer<>::Ticket> tickets;
  for (int n : {1, -1, 2, -2, 3}) tickets.push_back(remote.ingest(n));
  CHECK(remote.answer(tickets[4], patience).verdict == Verdict::accepted);
  CHECK(remote.answer(tickets[0], patience).verdict == Verdict::accepted);
  CHECK(remote.answer(tickets[1], patience).verdict == Verdict::refused);
  CHECK(remote.answer(tickets[2], patience).verdict == Verdict::accepted);
  const auto answer = remote.answer(tickets[3], patience);
  CHECK(answer.verdict == Verdict::refused);
  CHECK(answer.reason == "negative");
  const auto counts = remote.counts();
  CHECK(counts.accepted == 3);
  CHECK(counts.refused == 2);
  CHECK(counts.last_refusal == "negative");
  Consumer<Keep> taker(nodes.here, {}, {.subscriptions = {{global("p")}}});
  REQUIRE(producer.drain(patience));
}

TEST_CASE("a link that breaks before the answer is told as just that, and the next producer of the name is found") {
  Two nodes;
  auto raw = std::make_unique<RawRouter>();
  std::optional<FakeProducer> fake;
  fake.emplace(nodes.there, "p", raw->endpoint());
  std::string text;
  std::thread caller([&] {
    text = refused([&] { nodes.here.ingest(global("p"), "t", "m", {.timeout = patience}); }, ErrorCode::unknown);
  });
  const auto offer = raw->next<core::Offer>();
  REQUIRE(offer);
  raw->send(offer->first, core::encode(subscribe_message(30s)));
  std::string frame;
  while (!core::starts_with_batch(frame)) {
    const auto got = raw->receive();
    REQUIRE(got);
    frame = got->bytes;
  }
  raw.reset();
  caller.join();
  CHECK(says(text, "may have been accepted or not"));
  fake.reset();
  Producer<> producer(nodes.there, {.name = global("p")});
  nodes.here.ingest(global("p"), "t", "next", {.timeout = patience});
  CHECK(producer.stats().ingested == 1);
  Consumer<Keep> taker(nodes.here, {}, {.subscriptions = {{global("p")}}});
  REQUIRE(producer.drain(patience));
}

TEST_CASE("who answers with what is not of the protocol, or too large for it, is left and asked again") {
  Two nodes;
  RawRouter raw;
  const FakeProducer fake(nodes.there, "p", raw.endpoint());
  RemoteProducer remote(nodes.here, global("p"), {.drain = 0s});
  (void)remote.ingest("t", "m");
  auto offer = raw.next<core::Offer>();
  REQUIRE(offer);
  for (const std::string& answer : {std::string("\xc1"), std::string(core::max_message_bytes + 1, '\0')}) {
    raw.send(offer->first, answer);
    const auto again = raw.next<core::Offer>();
    REQUIRE(again);
    CHECK(again->first != offer->first);
    offer = again;
  }
  CHECK(remote.counts().pending == 1);
}

TEST_CASE("of a stream whose link breaks only what has left is unknown: the rest goes to the next of the name") {
  Two nodes;
  auto raw = std::make_unique<RawRouter>();
  std::optional<FakeProducer> fake;
  fake.emplace(nodes.there, "p", raw->endpoint());
  RemoteProducer<> remote(nodes.here, global("p"));
  const std::string large(10'000, 'x');
  for (int i = 0; i < 20; ++i) (void)remote.ingest("t", large);
  const auto offer = raw->next<core::Offer>();
  REQUIRE(offer);
  raw->send(offer->first, core::encode(subscribe_message(30s, {1000, 1})));  // one event passes the bound of bytes
  std::uint64_t sent = 0;
  while (sent == 0) {
    const auto frame = raw->receive();
    REQUIRE(frame);
    std::string_view rest = frame->bytes;
    while (core::starts_with_batch(rest)) {
      const auto header = core::read_batch_header(rest);
      REQUIRE(header);
      rest.remove_prefix(header->bytes);
      sent += header->count;
    }
  }
  REQUIRE(sent < 20);
  raw.reset();
  REQUIRE(eventually([&] { return remote.counts().unknown > 0; }));
  CHECK(remote.counts().unknown == sent);
  fake.reset();
  Producer<> producer(nodes.there, {.name = global("p")});
  Keep keep;
  Consumer<Keep> consumer(nodes.here, keep, of(global("p")));
  for (std::uint64_t ticket = 1; ticket <= 20; ++ticket) {
    CHECK(remote.answer(ticket, patience).verdict == (ticket <= sent ? Verdict::unknown : Verdict::accepted));
  }
  REQUIRE(producer.drain(patience));
  CHECK(keep.events->size() == 20 - sent);
}

TEST_CASE("a producer that ends while others wait to ingest tells them, within the process too") {
  Realm realm;
  Node node(realm.options());
  std::atomic<int> made{0};
  auto maker = [&made](int n) {
    ++made;
    return Event("t", n);
  };
  std::optional<Producer<decltype(maker)>> producer;
  producer.emplace(node, maker, ProducerOptions{.name = "p", .buffer_events = 1, .drain = 0s});
  node.ingest_value("p", 0);
  std::string text;
  std::thread caller(
      [&] { text = refused([&] { node.ingest_value("p", 1, {.timeout = patience}); }, ErrorCode::unknown); });
  REQUIRE(eventually([&] { return made == 2; }));
  producer.reset();
  caller.join();
  CHECK(says(text, "may have been accepted or not"));
}

TEST_CASE("a closed producer ends the links that ingest, and answers those to come that it stops") {
  Two nodes;
  Producer<> producer(nodes.there, {.name = global("p")});
  const std::string offer = core::encode(core::Offer{Id{}, Id::random(), Id::random(), false, 30s});
  RawDealer before(endpoint_of(nodes.here, "p"));
  before.send(offer);
  REQUIRE(before.next<core::Subscribe>());
  producer.close();
  RawDealer after(endpoint_of(nodes.here, "p"));
  after.send(offer);
  for (RawDealer* peer : {&before, &after}) {
    const auto cancel = peer->next<core::Cancel>();
    REQUIRE(cancel);
    CHECK(cancel->reason == core::reason::stopped);  // so that what waits there is kept for the next of the name
  }
}

}  // namespace
}  // namespace galena::test
