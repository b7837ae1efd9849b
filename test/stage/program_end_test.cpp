// SPDX-License-Identifier: Apache-2.0
// How programs end: on signals, and on the mistakes that are asserted.
#include <doctest/doctest.h>

#include "stage/processes.hpp"

namespace galena::test {
namespace {

using namespace std::chrono_literals;

void run_ends_on(int signal) {
  const Processes processes;
  Child producer(processes.command("producer", "p"));
  Child consumer(processes.command("consumer", "c", {"--from=p", "--work_us=1000"}));
  REQUIRE(producer.ask("subscribers 1", "subscribed") == "subscribed");
  producer.say("ingest 200 t");
  REQUIRE(producer.ask("run", "running") == "running");
  REQUIRE(producer.comes_to_catch(signal));
  producer.signal(signal);
  REQUIRE(producer.line("stopped") == "stopped");
  producer.say("exit");  // its end drains
  REQUIRE(producer.wait() == 0);
  CHECK(consumer.ask("stats", "stats") == "stats received 200 lost 0 unknown 0 malformed 0");
  Child next(processes.command("producer", "p"));  // the name is free
  CHECK(next.line("ready").starts_with("ready"));
}

TEST_CASE("run() returns on SIGTERM; what was ingested is drained and the name given back") { run_ends_on(SIGTERM); }
TEST_CASE("run() returns on SIGINT; what was ingested is drained and the name given back") { run_ends_on(SIGINT); }

TEST_CASE("outside of run() signals end the program as ever") {
  const Processes processes;
  Child producer(processes.command("producer", "p"));
  REQUIRE(producer.line("ready") == "ready 0");
  producer.signal(SIGTERM);
  CHECK(producer.wait() == -SIGTERM);
}

TEST_CASE("a taken name is told to the other process") {
  const Processes processes;
  Child first(processes.command("producer", "p"));
  REQUIRE(first.line("ready") == "ready 0");
  Child second(processes.command("producer", "p"));
  CHECK(second.line("error").find("the name 'p' is taken") != std::string::npos);
  CHECK(second.wait() == 1);
}

TEST_CASE("a stage that is destroyed inside its own handler is an assert that says so") {
  Child peer({built("stage/mistakes"), "own-handler"});
  CHECK(peer.line("").find("a stage was destroyed inside its own handler") != std::string::npos);
  CHECK(peer.wait() == -SIGABRT);
}

TEST_CASE("the first Node of a process raises the limit of open files and seeds rand()") {
  Child peer({built("stage/mistakes"), "tuned"});
  CHECK(peer.line("") == "files raised, rand seeded");
  CHECK(peer.wait() == 0);
}

}  // namespace
}  // namespace galena::test
