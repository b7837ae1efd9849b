// SPDX-License-Identifier: Apache-2.0
// The twelve cases with each stage in a process of its own: exactly what was selected, in order, and nothing else.
#include <doctest/doctest.h>

#include <map>
#include <memory>

#include "stage/processes.hpp"
#include "stage/topology.hpp"

namespace galena::test {
namespace {

using namespace std::chrono_literals;
using Running = std::map<std::string, std::unique_ptr<Child>>;

void start(const Processes& processes, const Topology& topology, const StagePlan& plan, Running& running) {
  std::vector<std::string> from;
  for (const Wish& wish : plan.wishes) {
    std::string text = "--from=" + wish.producer;
    for (std::size_t i = 0; i < wish.topics.size(); ++i) text += (i == 0 ? ":" : ",") + wish.topics[i];
    from.push_back(text);
  }
  const std::string role = plan.is_source() ? "producer" : topology.is_relay(plan) ? "relay" : "consumer";
  running[plan.name] = std::make_unique<Child>(processes.command(role, plan.name, from));
}

void run_case(const Topology& topology, bool consumers_first) {
  constexpr int count = 60;
  CAPTURE(topology.title);
  const Processes processes;
  const auto expected = expected_flows(topology, count);
  Running running;
  auto order = topology.stages;
  if (consumers_first) std::reverse(order.begin(), order.end());
  for (const StagePlan& plan : order) start(processes, topology, plan, running);
  // From the end to the source: everybody has whom it feeds.
  for (auto plan = topology.stages.rbegin(); plan != topology.stages.rend(); ++plan) {
    Child& peer = *running[plan->name];
    REQUIRE(peer.line("ready").starts_with("ready"));
    if (plan->is_source() || topology.is_relay(*plan)) {
      const auto subscribers = topology.subscriptions_of(plan->name);
      REQUIRE(peer.ask("subscribers " + std::to_string(subscribers), "subscribed") == "subscribed");
    }
  }
  for (const StagePlan& plan : topology.stages) {
    if (!plan.is_source()) continue;
    Child& peer = *running[plan.name];
    std::string ingest = "ingest " + std::to_string(count);
    for (const std::string& topic : plan.topics) ingest += " " + topic;
    peer.say(ingest);
    for (const std::string& topic : plan.topics) peer.say("send " + topic + " " + plan.name + "#end");
  }
  for (const StagePlan& plan : topology.stages) {
    if (!plan.is_source() && !topology.is_relay(plan)) continue;
    REQUIRE(running[plan.name]->ask("drain", "drained") == "drained");
    running[plan.name]->say("exit");
    REQUIRE(running[plan.name]->wait() == 0);
  }
  // Whatever was to come has been handled: the rest of what it says is all there is.
  for (const StagePlan& plan : topology.stages) {
    if (plan.is_source() || topology.is_relay(plan)) continue;
    CAPTURE(plan.name);
    Child& peer = *running[plan.name];
    CHECK(peer.ask("stats", "stats") ==
          "stats received " + std::to_string(events_in(expected.at(plan.name))) + " lost 0 unknown 0 malformed 0");
    peer.say("exit");
    CHECK(peer.wait() == 0);
    Flow received;
    for (const std::string& line : peer.lines()) {
      if (!line.starts_with("event ")) continue;
      const auto space = line.find(' ', 6);
      sort_in(received, line.substr(6, space - 6), line.substr(space + 1));
    }
    CHECK((received == expected.at(plan.name)));
  }
}

TEST_CASE("the twelve cases across processes, producers first") {
  for (const Topology& topology : twelve_cases()) run_case(topology, false);
}

TEST_CASE("the twelve cases across processes, consumers first") {
  for (const Topology& topology : twelve_cases()) run_case(topology, true);
}

}  // namespace
}  // namespace galena::test
