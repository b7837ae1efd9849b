// SPDX-License-Identifier: Apache-2.0
// Processes that are killed, stopped or stuck: noticed within the liveness, counted, and left behind or found again.
#include <doctest/doctest.h>

#include "stage/processes.hpp"

namespace galena::test {
namespace {

using namespace std::chrono_literals;

struct Brief : Processes {
  Brief() { common = {"--liveness_ms=500"}; }
};

/// Asks for stats again and again until they say so.
bool stats_come_to(Child& peer, const std::string& part, Duration limit = 20s) {
  const Time end = Clock::now() + limit;
  std::string last;
  while (Clock::now() < end) {
    last = peer.ask("stats", "stats");
    if (last.find(part) != std::string::npos) return true;
    usleep(2000);
  }
  MESSAGE(last);
  return false;
}

std::vector<std::string> events_of(const Child& peer) {
  std::vector<std::string> events;
  for (const std::string& line : peer.lines()) {
    if (line.starts_with("event ")) events.push_back(line);
  }
  return events;
}

TEST_CASE("a killed consumer is noticed, what was held for it is freed, and an ingest that waited goes on") {
  const Brief processes;
  Child producer(processes.command("producer", "p", {"--buffer_events=10"}));
  Child good(processes.command("consumer", "good", {"--from=p:good"}));
  Child bad(processes.command("consumer", "bad", {"--from=p:bad", "--block_ms=60000"}));
  REQUIRE(producer.ask("subscribers 2", "subscribed") == "subscribed");
  producer.say("send bad first");
  REQUIRE(bad.line("blocked") == "blocked");
  // It fills the share of the one that stands still, and then waits.
  producer.say("ingest 30 bad");
  producer.say("send good after");
  bad.signal(SIGKILL);
  const Time killed = Clock::now();
  REQUIRE(producer.line("ingested") == "ingested 30");
  MESSAGE("an ingest that waited went on " << in_milliseconds(Clock::now() - killed) << " ms after kill -9");
  CHECK(Clock::now() - killed < 5s);
  REQUIRE(good.line("event") == "event good after");
  CHECK(producer.ask("drain", "") == "drained");
  CHECK(stats_come_to(producer, "outstanding 0 dropped 10 connected 1"));
}

TEST_CASE(
    "a killed producer is lost, its name waited for, and its successor's events come, with a gap nobody can size") {
  const Brief processes;
  auto producer = std::make_unique<Child>(processes.command("producer", "p"));
  Child consumer(processes.command("consumer", "c", {"--from=p"}));
  REQUIRE(producer->ask("subscribers 1", "subscribed") == "subscribed");
  producer->say("ingest 5 t");
  REQUIRE(producer->ask("drain", "drained") == "drained");
  for (int round = 0; round < 2; ++round) {
    producer->signal(SIGKILL);
    const Time killed = Clock::now();
    REQUIRE(consumer.line("state p lost") == "state p lost");
    MESSAGE("lost " << in_milliseconds(Clock::now() - killed) << " ms after kill -9");
    CHECK(Clock::now() - killed < 2s);
    REQUIRE(consumer.line("state p searching") == "state p searching");
    producer = std::make_unique<Child>(processes.command("producer", "p"));
    producer->say("send t next" + std::to_string(round));
    REQUIRE(consumer.line("state p connected") == "state p connected");
    REQUIRE(consumer.line("gap") == "gap p unknown lost");
    REQUIRE(consumer.line("event") == "event t next" + std::to_string(round));
    REQUIRE(producer->ask("drain", "drained") == "drained");
  }
  CHECK(consumer.ask("stats", "stats") == "stats received 7 lost 0 unknown 2 malformed 0");
}

TEST_CASE("a killed relay is replaced by the next of its name, and the chain flows again") {
  const Brief processes;
  Child producer(processes.command("producer", "p"));
  auto relay = std::make_unique<Child>(processes.command("relay", "r", {"--from=p"}));
  Child consumer(processes.command("consumer", "c", {"--from=r"}));
  REQUIRE(relay->ask("subscribers 1", "subscribed") == "subscribed");
  REQUIRE(producer.ask("subscribers 1", "subscribed") == "subscribed");
  producer.say("send t one");
  REQUIRE(consumer.line("event") == "event t r<one");
  relay->signal(SIGKILL);
  REQUIRE(consumer.line("state r lost") == "state r lost");
  relay = std::make_unique<Child>(processes.command("relay", "r", {"--from=p"}));
  REQUIRE(relay->line("state p connected") == "state p connected");
  producer.say("send t two");
  REQUIRE(consumer.line("event") == "event t r<two");
}

TEST_CASE("a consumer stopped beyond the liveness keeps its place for a while; awake again it misses nothing") {
  const Brief processes;
  Child producer(processes.command("producer", "p"));
  REQUIRE(producer.line("ready") == "ready 0");  // it is the one that hosts the names
  Child other(processes.command("consumer", "other", {"--from=p"}));
  REQUIRE(producer.ask("subscribers 1", "subscribed") == "subscribed");
  Child sleeper(processes.command("consumer", "sleeper", {"--from=p"}));
  REQUIRE(producer.ask("subscribers 2", "subscribed") == "subscribed");
  producer.say("ingest 10 t");
  REQUIRE(producer.ask("drain", "drained") == "drained");
  sleeper.signal(SIGSTOP);
  producer.say("ingest 10 t");
  REQUIRE(stats_come_to(producer, "connected 1"));
  producer.say("ingest 10 t");
  sleeper.signal(SIGCONT);
  REQUIRE(producer.ask("subscribers 2", "subscribed") == "subscribed");
  producer.say("send t last");
  REQUIRE(sleeper.line("event t last") == "event t last");
  REQUIRE(other.line("event t last") == "event t last");
  CHECK(events_of(other).size() == 31);
  CHECK(events_of(sleeper) == events_of(other));
  CHECK(sleeper.ask("stats", "stats") == "stats received 31 lost 0 unknown 0 malformed 0");
}

TEST_CASE("a consumer whose place is not held any more is told, when it comes back, that something is missing") {
  const Brief processes;
  Child producer(processes.command("producer", "p", {"--hold_ms=0"}));
  REQUIRE(producer.line("ready") == "ready 0");  // it is the one that hosts the names
  Child sleeper(processes.command("consumer", "sleeper", {"--from=p"}));
  REQUIRE(producer.ask("subscribers 1", "subscribed") == "subscribed");
  producer.say("ingest 10 t");
  REQUIRE(producer.ask("drain", "drained") == "drained");
  sleeper.signal(SIGSTOP);
  Child other(processes.command("consumer", "other", {"--from=p"}));
  REQUIRE(producer.ask("subscribers 2", "subscribed") == "subscribed");
  producer.say("ingest 10 t");
  REQUIRE(stats_come_to(producer, "dropped 10"));
  producer.say("ingest 10 t");
  REQUIRE(producer.ask("drain", "drained") == "drained");
  sleeper.signal(SIGCONT);
  const std::string gap = sleeper.line("gap");
  REQUIRE(producer.ask("subscribers 2", "subscribed") == "subscribed");
  producer.say("send t last");
  REQUIRE(sleeper.line("event t last") == "event t last");
  REQUIRE(other.line("event t last") == "event t last");
  CHECK(events_of(other).size() == 21);
  // What lay in its hands when it fell asleep it may still have got; it is told exactly what it has not.
  const auto received = events_of(sleeper).size();
  CHECK((received == 11 || received == 21));
  CHECK(gap == "gap p " + std::to_string(31 - received) + " evicted");
}

TEST_CASE("a producer stopped beyond the liveness is lost; awake again it is found and goes on") {
  const Brief processes;
  Child host(processes.command("consumer", "host", {"--from=nobody"}));  // keeps the names meanwhile
  REQUIRE(host.line("state nobody searching") == "state nobody searching");
  Child producer(processes.command("producer", "p"));
  Child consumer(processes.command("consumer", "c", {"--from=p"}));
  REQUIRE(producer.ask("subscribers 1", "subscribed") == "subscribed");
  producer.say("send t one");
  REQUIRE(consumer.line("event") == "event t one");
  producer.signal(SIGSTOP);
  REQUIRE(consumer.line("state p lost") == "state p lost");
  producer.signal(SIGCONT);
  REQUIRE(consumer.line("state p connected") == "state p connected");
  producer.say("send t two");
  REQUIRE(consumer.line("event") == "event t two");
  REQUIRE(producer.ask("drain", "drained") == "drained");
}

TEST_CASE("a handler that blocks beyond the liveness counts as dead, and its consumer comes back") {
  const Brief processes;
  Child producer(processes.command("producer", "p"));
  Child consumer(processes.command("consumer", "c", {"--from=p", "--block_ms=1500"}));
  REQUIRE(producer.ask("subscribers 1", "subscribed") == "subscribed");
  producer.say("send t one");
  REQUIRE(consumer.line("blocked") == "blocked");
  REQUIRE(stats_come_to(producer, "connected 0"));
  REQUIRE(consumer.line("state p lost") == "state p lost");
  REQUIRE(producer.ask("subscribers 1", "subscribed") == "subscribed");
  producer.say("send t two");
  REQUIRE(consumer.line("event t two") == "event t two");
  REQUIRE(producer.ask("drain", "drained") == "drained");
  CHECK(events_of(consumer) == std::vector<std::string>{"event t one", "event t two"});  // each once
}

TEST_CASE("a consumer that is busy for longer than the liveness, event by event, is not dropped") {
  const Brief processes;
  Child producer(processes.command("producer", "p"));
  Child consumer(processes.command("consumer", "c", {"--from=p", "--work_us=1000"}));
  producer.say("ingest 2000 t");  // one frame of two seconds' work and more
  REQUIRE(producer.ask("drain", "drained") == "drained");
  CHECK(producer.ask("stats", "stats").find("dropped 0 connected 1") != std::string::npos);
  CHECK(consumer.ask("stats", "stats") == "stats received 2000 lost 0 unknown 0 malformed 0");
  for (const std::string& line : consumer.lines()) CHECK_FALSE(line.starts_with("state p lost"));
}

TEST_CASE("an idle pair in two processes uses next to nothing") {
  const Processes processes;
  Child producer(processes.command("producer", "p"));
  Child consumer(processes.command("consumer", "c", {"--from=p"}));
  REQUIRE(producer.ask("subscribers 1", "subscribed") == "subscribed");
  const auto cpu = [](Child& peer) { return std::stod(peer.ask("cpu", "cpu").substr(4)); };
  const double before = cpu(producer) + cpu(consumer);
  const Time start = Clock::now();
  usleep(2'000'000);  // what is measured is doing nothing
  const double share = (cpu(producer) + cpu(consumer) - before) / in_seconds(Clock::now() - start) / 2;
  MESSAGE("an idle process uses " << share * 100 << " % of a core");
  CHECK(share < 0.05);
}

}  // namespace
}  // namespace galena::test
