// SPDX-License-Identifier: Apache-2.0
// Identities: consumers that take up where others stopped, relays that acknowledge what was acknowledged to them.
#include <doctest/doctest.h>

#include <time.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>

#include "galena/error.hpp"
#include "stage_fixture.hpp"

namespace galena::test {
namespace {

using namespace std::chrono_literals;

/// A handler that keeps what it is given, with the mark.
struct Marked {
  std::shared_ptr<Record<std::string>> events = std::make_shared<Record<std::string>>();
  void handle_consume(const EventView& event) { events->add(std::string(event.payload) + (event.repeated ? "?" : "")); }
};

std::vector<std::string> range(int from, int upto) {
  std::vector<std::string> list;
  for (int i = from; i < upto; ++i) list.push_back(std::to_string(i));
  return list;
}

void ingest(Producer<>& producer, int from, int upto) {
  for (int i = from; i < upto; ++i) producer.ingest("t", std::to_string(i));
}

struct TemporaryFile {
  std::string path = (std::filesystem::temp_directory_path() / ("galena-test-" + Id::random().hex())).string();
  TemporaryFile() = default;
  ~TemporaryFile() { std::filesystem::remove(path); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
};

/// Before a producer knows that its subscribers leave, it might send them another event; then the next gets it marked.
template <class P>
bool all_have_left(const P& producer) {
  return eventually([&] {
    const auto subscribers = producer.stats().subscribers;
    return std::all_of(subscribers.begin(), subscribers.end(), [](const LinkInfo& link) { return link.away; });
  });
}

TEST_CASE("who comes with the identity of one that left goes on where that one stopped") {
  Realm realm;
  Node node(realm.options());
  Producer producer(node, {.name = "p"});
  const ConsumerOptions options{.subscriptions = {{"p"}}, .identity = "c"};
  {
    Marked first;
    Consumer consumer(node, first, options);
    ingest(producer, 0, 5);
    REQUIRE(producer.drain(10s));
    CHECK(first.events->all() == range(0, 5));
  }
  REQUIRE(all_have_left(producer));
  ingest(producer, 5, 8);
  Marked second;
  Consumer consumer(node, second, options);
  ingest(producer, 8, 10);
  REQUIRE(producer.drain(10s));
  CHECK(second.events->all() == range(5, 10));
  CHECK(consumer.stats().lost + consumer.stats().unknown_gaps == 0);
}

TEST_CASE("of two that live with one identity the later has it, and the earlier is told and stops") {
  Realm realm;
  Node node(realm.options());
  Node other(realm.options());
  Producer producer(node, {.name = global("p")});
  Record<std::string> states;
  ConsumerOptions options{.subscriptions = {{global("p")}}, .identity = "c"};
  options.on_state = [&](const Source&, State state) { states.add(std::string(to_string(state))); };
  Marked first;
  Consumer early(node, first, options);
  ingest(producer, 0, 3);
  REQUIRE(producer.drain(10s));
  options.on_state = {};
  Marked second;
  const Consumer late(other, second, options);
  REQUIRE(states.wait_for(2));
  CHECK(states.all() == std::vector<std::string>{"connected", "superseded"});
  try {
    early.wait();
    FAIL("it must stop");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::superseded);
  }
  ingest(producer, 3, 6);
  REQUIRE(producer.drain(10s));
  CHECK(first.events->all() == range(0, 3));
  CHECK(second.events->all() == range(3, 6));
  CHECK(producer.stats().subscribers.size() == 1);
}

TEST_CASE("a position is kept in a file, a line for each subscription, and read by the next") {
  const TemporaryFile file;
  Realm realm;
  Node node(realm.options());
  Producer producer(node, {.name = "p"});
  ConsumerOptions options{.subscriptions = {{"p", {"a"}}, {"p", {"t"}}}, .identity = "c"};
  for (int round = 0; round < 3; ++round) {
    options.positions = std::make_shared<FilePositions>(file.path);
    REQUIRE(all_have_left(producer));
    Marked marked;
    Consumer consumer(node, marked, options);
    REQUIRE(producer.wait_for_subscribers(2, 10s));
    ingest(producer, round * 4, round * 4 + 4);
    REQUIRE(producer.drain(10s));
    CHECK(marked.events->all() == range(round * 4, round * 4 + 4));
  }
  std::ifstream text(file.path);
  std::string line;
  REQUIRE(std::getline(text, line));
  CHECK(line == "galena positions 1");
  REQUIRE(std::getline(text, line));
  CHECK(line.starts_with("c@p\t"));  // nothing came of this one, but it was accepted
  REQUIRE(std::getline(text, line));
  CHECK(line.starts_with("c@p#2\t"));
  CHECK_FALSE(std::getline(text, line));
}

/// A store that fails when it is told to, and remembers the order of things.
class Unsteady final : public PositionStore {
 public:
  std::optional<std::string> load(const std::string&) override { return saved_; }
  void save(const std::string&, const std::string& position) override {
    if (fails) throw std::runtime_error("no space left");
    saved_ = position;
    saves.add(position);
  }
  std::atomic<bool> fails{false};
  Record<std::string> saves;

 private:
  std::optional<std::string> saved_;
};

TEST_CASE("what could not be saved is not acknowledged, and the next one gets it again, marked") {
  Realm realm;
  Node node(realm.options(500ms));
  Producer producer(node, {.name = "p"});
  const auto store = std::make_shared<Unsteady>();
  const ConsumerOptions options{.subscriptions = {{"p"}}, .identity = "c", .positions = store};
  {
    Marked first;
    const Consumer consumer(node, first, options);
    ingest(producer, 0, 2);
    REQUIRE(producer.drain(10s));
    store->fails = true;
    ingest(producer, 2, 3);  // one: a second might wait for the acknowledgement of the first
    REQUIRE(first.events->wait_for(3));
    CHECK_FALSE(producer.drain(300ms));
    CHECK(producer.stats().outstanding == 1);
  }
  REQUIRE(all_have_left(producer));
  store->fails = false;
  Marked second;
  const Consumer consumer(node, second, options);
  ingest(producer, 3, 5);
  REQUIRE(producer.drain(10s));
  CHECK(second.events->all() == std::vector<std::string>{"2?", "3", "4"});
}

TEST_CASE("a store that works again is used again: nobody has to come for that") {
  Realm realm;
  Node node(realm.options(500ms));
  Producer producer(node, {.name = "p"});
  const auto store = std::make_shared<Unsteady>();
  store->fails = true;
  Marked marked;
  const Consumer consumer(node, marked, {.subscriptions = {{"p"}}, .identity = "c", .positions = store});
  ingest(producer, 0, 1);
  REQUIRE(marked.events->wait_for(1));
  CHECK_FALSE(producer.drain(200ms));
  store->fails = false;
  CHECK(producer.drain(10s));
  CHECK(store->saves.all().size() == 1);
}

TEST_CASE("a store may throw anything") {
  struct Thrower final : PositionStore {
    std::optional<std::string> load(const std::string&) override { return {}; }
    void save(const std::string&, const std::string&) override {
      if (++tries < 3) throw 42;
    }
    std::atomic<int> tries{0};
  };
  Realm realm;
  Node node(realm.options(500ms));
  Producer producer(node, {.name = "p"});
  const Consumer consumer(node, Marked{},
                          {.subscriptions = {{"p"}}, .identity = "c", .positions = std::make_shared<Thrower>()});
  ingest(producer, 0, 1);
  CHECK(producer.drain(10s));
  CHECK(realm.logged("could not be saved"));
}

/// Adds up numbers as examples/effectively_once.cpp does: effects and position are committed together.
class Sum final : public PositionStore {
 public:
  void add(const std::string& number) {
    gathered_ += std::stoi(number);
    if (number == fails_at) throw std::runtime_error("no such number");  // it has been added
  }
  std::optional<std::string> load(const std::string&) override { return position_; }
  void save(const std::string&, const std::string& position) override {
    if (!saves) throw std::runtime_error("no space left");
    sum = gathered_;
    position_ = position;
  }
  bool discard() override {
    gathered_ = sum;
    return true;
  }
  std::string fails_at = "6";
  std::atomic<bool> saves{true};
  std::atomic<int> sum{0};

 private:
  int gathered_ = 0;
  std::optional<std::string> position_;
};

TEST_CASE("what a handler had done when it threw is not committed, and what the store forgot comes again") {
  Realm realm;
  Node node(realm.options(500ms));
  // All of a range is appended at once, and so comes in one frame.
  const auto range = [](std::pair<int, int> of, Sink& out) {
    for (int i = of.first; i < of.second; ++i) out.emit("t", std::to_string(i));
  };
  Producer producer(node, range, {.name = "p"});
  const auto sum = std::make_shared<Sum>();
  const auto add = [sum](std::string_view, const std::string& number) { sum->add(number); };
  const ConsumerOptions options{.subscriptions = {{"p"}}, .identity = "c", .positions = sum};
  {
    Consumer first(node, add, options);
    REQUIRE(producer.try_ingest(std::pair(0, 4)));
    REQUIRE(producer.drain(10s));
    CHECK(sum->sum == 6);
    sum->saves = false;  // so that some are gathered when it throws
    REQUIRE(producer.try_ingest(std::pair(4, 8)));
    CHECK_THROWS_AS(first.wait(), std::runtime_error);
    sum->saves = true;
  }
  CHECK(sum->sum == 6);
  REQUIRE(all_have_left(producer));
  sum->fails_at = "";
  const Consumer second(node, add, options);
  REQUIRE(producer.drain(10s));
  CHECK(sum->sum == 28);
}

TEST_CASE("a store of positions alone saves the one before the event at which the handler threw") {
  const TemporaryFile file;
  Realm realm;
  Node node(realm.options());
  Producer producer(node, {.name = "p"});
  ConsumerOptions options{.subscriptions = {{"p"}}, .identity = "c"};
  options.positions = std::make_shared<FilePositions>(file.path);
  ingest(producer, 0, 8);  // one frame: nothing is saved before the end of it
  {
    const auto thrower = [](std::string_view, std::string_view number) {
      if (number == "6") throw std::runtime_error("six");
    };
    Consumer first(node, thrower, options);
    CHECK_THROWS_AS(first.wait(), std::runtime_error);
  }
  REQUIRE(all_have_left(producer));
  Marked marked;
  const Consumer second(node, marked, options);
  REQUIRE(producer.drain(10s));
  CHECK(marked.events->all() == std::vector<std::string>{"6?", "7?"});
}

TEST_CASE("a consumer is told that a stream has ended, and goes on with the successor") {
  Realm realm;
  Node node(realm.options());
  Record<std::string> states;
  ConsumerOptions options{.subscriptions = {{global("p")}}};
  options.on_state = [&](const Source&, State state) { states.add(std::string(to_string(state))); };
  Marked marked;
  std::optional<Consumer<Marked>> consumer;
  {
    Producer producer(node, {.name = global("p")});
    consumer.emplace(node, marked, options);
    REQUIRE(states.wait_for_item("connected"));
    ingest(producer, 0, 2);
  }
  REQUIRE(states.wait_for_item("searching"));
  CHECK(states.all() == std::vector<std::string>{"connected", "ended", "searching"});
  Producer producer(node, {.name = global("p")});
  ingest(producer, 2, 4);
  REQUIRE(producer.drain(10s));
  CHECK(marked.events->all() == range(0, 4));
  CHECK(states.all() == std::vector<std::string>{"connected", "ended", "searching", "connected"});
  consumer.reset();
}

/// What this process has computed so far.
Duration processor_time() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

TEST_CASE("a relay that takes no more is idle, though what it had granted still comes") {
  Realm realm;
  Node node(realm.options());
  Producer producer(node, {.name = global("p")});
  Node elsewhere(realm.options());
  std::optional<ProducerConsumer<PassThrough>> relay;
  relay.emplace(
      elsewhere, PassThrough{},
      ProducerConsumerOptions{
          .subscriptions = {{global("p")}}, .acknowledge = Acknowledge::downstream, .subscribe = {.identity = "r"}});
  REQUIRE(producer.wait_for_subscribers(1, 10s));
  relay->stop_input();
  ingest(producer, 0, 1000);
  REQUIRE(eventually([&] { return producer.stats().subscribers.at(0).sent > 0; }));
  const Duration before = processor_time();
  CHECK_FALSE(producer.drain(500ms));  // nobody takes what it sent
  CHECK(processor_time() - before < 250ms);
  CHECK(relay->consumer_stats().received == 0);
}

TEST_CASE("positions without an identity, and a file that is none, are errors that say what to do") {
  Realm realm;
  Node node(realm.options());
  CHECK_THROWS_WITH_AS(Consumer(node, Marked{}, {.subscriptions = {{"p"}}, .positions = std::make_shared<Unsteady>()}),
                       "positions are kept for whoever has the same identity next: give one", Error);
  const TemporaryFile file;
  std::ofstream(file.path) << "something else\n";
  CHECK_THROWS_AS(FilePositions(file.path), Error);
  CHECK_THROWS_AS(FilePositions("/nonexistent/positions"), Error);
}

TEST_CASE("a place with an identity is held even if that makes ingest wait, and given up after `hold`") {
  Realm realm;
  Node node(realm.options(500ms));
  Producer producer(node, {.name = "p", .buffer_events = 4, .hold = 1500ms});
  const ConsumerOptions options{.subscriptions = {{"p"}}, .identity = "c"};
  {
    const Consumer consumer(node, Marked{}, options);
    REQUIRE(producer.wait_for_subscribers(1, 10s));
  }
  ingest(producer, 0, 4);
  CHECK_FALSE(producer.try_ingest("t", "4"));
  CHECK(producer.ingest_within(10s, "t", "4"));  // when its time is over
  CHECK(producer.stats().dropped == 4);
  Marked next;
  Consumer consumer(node, next, options);
  producer.ingest("t", "5");
  REQUIRE(producer.drain(10s));
  CHECK(next.events->all().back() == "5");
}

/// Passes on, but for "x"; of "abc" it makes "a", "b" and "c".
struct Pass {
  void handle_produce(const EventView& event, Sink& out) {
    if (event.payload == "x") return;
    if (event.payload != "abc") return out.emit(event);
    for (const char* part : {"a", "b", "c"}) out.emit("t", part);
  }
};

TEST_CASE("a relay acknowledges what was acknowledged to it, and what it left out with its neighbours") {
  Realm realm;
  Node node(realm.options());
  Producer producer(node, {.name = "p"});
  ProducerConsumer relay(
      node, Pass{},
      {.name = "r", .subscriptions = {{"p"}}, .acknowledge = Acknowledge::downstream, .subscribe = {.identity = "r"}});
  REQUIRE(producer.wait_for_subscribers(1, 10s));
  ingest(producer, 0, 2);
  producer.ingest("t", "x");
  CHECK_FALSE(producer.drain(200ms));  // nobody was offered what the relay made
  CHECK(producer.stats().outstanding == 3);
  Marked marked;
  const Consumer consumer(node, marked, {.subscriptions = {{"r"}}, .identity = "c"});
  CHECK(producer.drain(10s));
  CHECK(marked.events->all() == range(0, 2));
  producer.ingest("t", "x");
  CHECK(producer.drain(10s));
}

TEST_CASE("a relay's successor gets what was not acknowledged downstream; what the consumer had is passed over") {
  Realm realm;
  Node node(realm.options());
  Producer producer(node, {.name = "p"});
  ProducerConsumerOptions options{.name = "r",
                                  .subscriptions = {{"p"}},
                                  .acknowledge = Acknowledge::downstream,
                                  .subscribe = {.identity = "r"},
                                  .publish = {.expect = {"c"}, .drain = 0ms}};
  auto relay = std::make_unique<ProducerConsumer<Pass>>(node, Pass{}, options);
  // It handles events, and cannot acknowledge them.
  const auto store = std::make_shared<Unsteady>();
  Marked marked;
  const Consumer consumer(node, marked, {.subscriptions = {{"r"}}, .identity = "c", .positions = store});
  ingest(producer, 0, 3);
  REQUIRE(producer.drain(10s));
  store->fails = true;
  producer.ingest("t", "abc");
  REQUIRE(marked.events->wait_for(6));
  CHECK_FALSE(producer.drain(200ms));
  relay.reset();
  REQUIRE(all_have_left(producer));
  store->fails = false;
  producer.ingest("t", "end");
  relay = std::make_unique<ProducerConsumer<Pass>>(node, Pass{}, options);
  REQUIRE(producer.drain(10s));
  CHECK(marked.events->all() == std::vector<std::string>{"0", "1", "2", "a", "b", "c", "end"});
  CHECK(consumer.stats().passed_over == 3);
  CHECK(consumer.stats().unknown_gaps == 0);
}

TEST_CASE("a relay that acknowledges downstream and has neither a global name nor an identity is an error") {
  Realm realm;
  Node node(realm.options());
  CHECK_THROWS_AS(
      ProducerConsumer(node, Pass{}, {.name = "r", .subscriptions = {{"p"}}, .acknowledge = Acknowledge::downstream}),
      Error);
}

TEST_CASE("a consumer comes to a producer's successor at the oldest that is kept, and an expected one misses nothing") {
  Realm realm;
  Node node(realm.options());
  Marked expected;
  Marked late;
  std::optional<Consumer<Marked>> first;
  std::optional<Consumer<Marked>> second;
  {
    Producer producer(node, {.name = "p"});
    first.emplace(node, expected, ConsumerOptions{.subscriptions = {{"p"}}, .identity = "c"});
    second.emplace(node, late, ConsumerOptions{.subscriptions = {{"p", {"t"}}}});
    REQUIRE(producer.wait_for_subscribers(2, 10s));
    ingest(producer, 0, 2);
    REQUIRE(producer.drain(10s));
  }
  Producer producer(node, {.name = "p", .expect = {"c"}, .retain_bytes = 1 << 20});
  ingest(producer, 2, 5);
  REQUIRE(producer.wait_for_subscribers(2, 10s));
  ingest(producer, 5, 7);
  REQUIRE(producer.drain(10s));
  CHECK(expected.events->all() == range(0, 7));
  CHECK(late.events->all() == range(0, 7));
  CHECK(first->stats().unknown_gaps + second->stats().unknown_gaps == 0);
}

}  // namespace
}  // namespace galena::test
