// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

/// Galena's own twelve cases, as data: who subscribes to what of whom. What each consumer must get follows from it.
namespace galena::test {

struct Wish {
  std::string producer;
  std::vector<std::string> topics;  // none: everything
};

struct StagePlan {
  std::string name;
  std::vector<std::string> topics = {};  // a producer: what it publishes, in turns
  std::vector<Wish> wishes = {};         // a relay or a consumer

  bool is_source() const { return wishes.empty(); }
};

/// Stages in the order of the flow. One is a relay if somebody wishes something of it and it is no source.
struct Topology {
  std::string title;
  std::vector<StagePlan> stages;

  std::size_t subscriptions_of(const std::string& name) const {
    std::size_t count = 0;
    for (const StagePlan& stage : stages) {
      for (const Wish& wish : stage.wishes) count += wish.producer == name ? 1 : 0;
    }
    return count;
  }
  bool is_relay(const StagePlan& stage) const { return !stage.is_source() && subscriptions_of(stage.name) > 0; }
};

/// (topic, way that it came, number): "p" of producer p itself, "r<p" by way of relay r.
using Flow = std::map<std::pair<std::string, std::string>, std::vector<std::string>>;

/// Message `number` of a source; relays put "name<" before it.
inline std::string message_text(const std::string& source, int number) { return source + "#" + std::to_string(number); }

/// By topic and way, the numbers in the order in which they came.
inline void sort_in(Flow& flow, const std::string& topic, const std::string& message) {
  const auto at = message.find('#');
  flow[{topic, message.substr(0, at)}].push_back(message.substr(at + 1));
}

/// What each stage gets (a source: what it publishes) if every source publishes `count` events on its topics in turns,
/// and then "end" on each topic.
inline std::map<std::string, Flow> expected_flows(const Topology& topology, int count) {
  std::map<std::string, Flow> flows;
  for (const StagePlan& stage : topology.stages) {
    Flow& flow = flows[stage.name];
    if (stage.is_source()) {
      for (int i = 0; i < count; ++i) {
        flow[{stage.topics[static_cast<std::size_t>(i) % stage.topics.size()], stage.name}].push_back(
            std::to_string(i));
      }
      for (const std::string& topic : stage.topics) flow[{topic, stage.name}].push_back("end");
      continue;
    }
    for (const Wish& wish : stage.wishes) {
      const StagePlan& from = *std::find_if(topology.stages.begin(), topology.stages.end(),
                                            [&](const StagePlan& each) { return each.name == wish.producer; });
      for (const auto& [key, numbers] : flows[wish.producer]) {
        const std::string& topic = key.first;
        const auto& wanted = wish.topics;
        if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), topic) == wanted.end()) continue;
        const std::string way = from.is_source() ? key.second : from.name + "<" + key.second;
        auto& got = flow[{topic, way}];
        got.insert(got.end(), numbers.begin(), numbers.end());
      }
    }
  }
  return flows;
}

inline std::size_t events_in(const Flow& flow) {
  std::size_t count = 0;
  for (const auto& [key, numbers] : flow) count += numbers.size();
  return count;
}

inline std::vector<Topology> twelve_cases() {
  const StagePlan p{.name = "p", .topics = {"t"}};
  const StagePlan noisy{.name = "p", .topics = {"t", "u"}};  // one topic of it nobody asks for
  const auto relay = [](const std::string& name, std::vector<Wish> wishes) {
    return StagePlan{.name = name, .wishes = std::move(wishes)};
  };
  std::vector<Topology> cases;
  cases.push_back({"one producer, one consumer", {noisy, {.name = "c", .wishes = {{"p", {"t"}}}}}});
  cases.push_back({"one producer with one topic, one consumer", {p, {.name = "c", .wishes = {{"p", {"t"}}}}}});
  cases.push_back({"one relay", {noisy, relay("r", {{"p", {"t"}}}), {.name = "c", .wishes = {{"r", {"t"}}}}}});
  cases.push_back({"two relays: two copies",
                   {noisy,
                    relay("r1", {{"p", {"t"}}}),
                    relay("r2", {{"p", {"t"}}}),
                    {.name = "c", .wishes = {{"r1", {"t"}}, {"r2", {"t"}}}}}});
  cases.push_back(
      {"two consumers", {noisy, {.name = "c1", .wishes = {{"p", {"t"}}}}, {.name = "c2", .wishes = {{"p", {"t"}}}}}});
  Topology many{"22 consumers", {noisy}};
  for (int i = 1; i <= 22; ++i) many.stages.push_back({.name = "c" + std::to_string(i), .wishes = {{"p", {"t"}}}});
  cases.push_back(many);
  cases.push_back({"two producers, same topic",
                   {{.name = "p1", .topics = {"t", "u"}},
                    {.name = "p2", .topics = {"t", "u"}},
                    {.name = "c", .wishes = {{"p1", {"t"}}, {"p2", {"t"}}}}}});
  cases.push_back({"two producers, different topics",
                   {{.name = "p1", .topics = {"t", "u"}},
                    {.name = "p2", .topics = {"t", "u"}},
                    {.name = "c", .wishes = {{"p1", {"t"}}, {"p2", {"u"}}}}}});
  cases.push_back({"one producer, different topics",
                   {{.name = "p", .topics = {"t", "u", "v"}},
                    {.name = "c1", .wishes = {{"p", {"t"}}}},
                    {.name = "c2", .wishes = {{"p", {"u"}}}},
                    {.name = "c3", .wishes = {{"p", {"t", "u"}}}}}});
  cases.push_back({"an empty topic list is everything",
                   {{.name = "p", .topics = {"t", "u", "v"}}, {.name = "c", .wishes = {{"p", {}}}}}});
  cases.push_back({"two relays, four consumers",
                   {{.name = "p", .topics = {"t", "u", "v"}},
                    relay("r1", {{"p", {"t"}}}),
                    relay("r2", {{"p", {"u"}}}),
                    {.name = "c1", .wishes = {{"r1", {"t"}}}},
                    {.name = "c2", .wishes = {{"r1", {"t"}}}},
                    {.name = "c3", .wishes = {{"r2", {"u"}}}},
                    {.name = "c4", .wishes = {{"r2", {"u"}}, {"p", {"v"}}}}}});
  cases.push_back({"four producers, two relays, one consumer",
                   {{.name = "p1", .topics = {"t", "u"}},
                    {.name = "p2", .topics = {"t"}},
                    {.name = "p3", .topics = {"u"}},
                    {.name = "p4", .topics = {"u", "v"}},
                    relay("r1", {{"p1", {"t"}}, {"p2", {}}}),
                    relay("r2", {{"p3", {}}, {"p4", {"u"}}}),
                    {.name = "c", .wishes = {{"r1", {}}, {"r2", {"u"}}}}}});
  return cases;
}

}  // namespace galena::test
