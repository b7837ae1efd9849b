// SPDX-License-Identifier: Apache-2.0
#include "plan.hpp"

#include <algorithm>

namespace galena::sim {
namespace {

using namespace std::chrono_literals;

Selection any_selection(Random& random) {
  const auto pattern = [](bool prefix, const char* text) { return Topic{prefix, text}; };
  switch (random.below(8)) {
    case 0:
      return Selection({pattern(false, "a")});
    case 1:
      return Selection({pattern(true, "b/"), pattern(false, "c")});
    case 2:
      return Selection({pattern(true, "a")});
    case 3:
      return Selection({pattern(false, "b/x"), pattern(false, "ab"), pattern(true, "b/x")});
    default:
      return {};
  }
}

core::Demand any_demand(Random& random) {
  core::Demand demand;
  demand.max_events = random.pick<std::uint64_t>({1, 2, 5, 20, 1000});
  demand.min_events = random.below(demand.max_events);
  demand.max_bytes = random.pick<std::uint64_t>({100, 1000, 1 << 20});
  return demand;
}

OutletPlan any_outlet(Random& random, bool guaranteed, bool relay) {
  OutletPlan outlet;
  outlet.silence = random.pick<Duration>({60ms, 100ms, 200ms});
  outlet.max_in_flight_bytes = random.pick<std::uint64_t>({300, 5000, 1 << 20});
  core::Buffer::Options& buffer = outlet.buffer;
  buffer.limit_bytes = random.pick<std::uint64_t>({64 << 10, 128 << 10, 4 << 20});
  if (!relay && random.percent(30)) buffer.limit_bytes = 16 << 10;
  buffer.limit_events = random.pick<std::uint64_t>({0, 0, 5, 30});
  buffer.retain_bytes = random.pick<std::uint64_t>({0, 1000, 16 << 10});
  outlet.hold = 1h;
  if (!guaranteed) {
    outlet.hold = random.pick<Duration>({0ms, 50ms, 1h});
    buffer.when_full = random.pick({WhenFull::wait, WhenFull::keep_last, WhenFull::keep_first});
    // Who comes back counts on events that are kept: the others find out what they missed by starting anew.
    if (buffer.when_full != WhenFull::wait) outlet.hold = 0ms;
    if (buffer.when_full == WhenFull::keep_last) buffer.retain_bytes = 0;
  }
  return outlet;
}

}  // namespace

Plan make_plan(Random& random) {
  Plan plan;
  const bool guaranteed = random.percent(50);
  const std::size_t producers = random.between(1, 2);
  const std::size_t relays = random.percent(45) ? 0 : random.between(1, 2);
  const std::size_t consumers = random.between(1, 3);

  plan.trouble = random.pick({0U, 5U, 20U, 50U});
  plan.crashes = random.percent(75);
  plan.breaks = random.percent(75);

  const auto add_subscription = [&](StagePlan& stage, std::size_t source) {
    SubscriptionPlan subscription;
    subscription.name = stage.name + ":" + std::to_string(stage.subscriptions.size());
    subscription.source = source;
    subscription.selection = any_selection(random);
    subscription.demand = any_demand(random);
    subscription.silence = random.pick<Duration>({60ms, 100ms, 200ms});
    subscription.relays = stage.role == Role::relay;
    subscription.identity = subscription.relays || random.percent(60);
    subscription.store = !subscription.relays && subscription.identity && random.percent(40);  // as the API asks for
    const bool from_relay = plan.stages[source].role == Role::relay;
    subscription.seen = subscription.relays || from_relay || random.percent(20);
    subscription.slow = random.pick({0U, 0U, 5U, 30U});
    OutletPlan& outlet = plan.stages[source].outlet;
    if (subscription.identity && (guaranteed || random.percent(50))) outlet.expect.push_back(subscription.name);
    subscription.guaranteed = guaranteed && subscription.identity;
    for (const SubscriptionPlan& input : plan.stages[source].subscriptions) {
      subscription.guaranteed = subscription.guaranteed && input.guaranteed;
    }
    stage.subscriptions.push_back(std::move(subscription));
  };

  for (std::size_t i = 0; i < producers; ++i) {
    plan.stages.push_back({"p" + std::to_string(i), Role::producer, any_outlet(random, guaranteed, false)});
  }
  for (std::size_t i = 0; i < relays; ++i) {
    StagePlan stage{"r" + std::to_string(i), Role::relay, any_outlet(random, guaranteed, true)};
    stage.makes = random.pick({Makes::the_same, Makes::some, Makes::many});
    // No event by two ways: it would come twice by rights.
    if (i > 0) {
      add_subscription(stage, random.percent(60) ? producers : random.below(producers));
    } else {
      for (std::size_t source = 0; source < producers; ++source) {
        if (source == 0 || random.percent(50)) add_subscription(stage, source);
      }
    }
    plan.stages.push_back(std::move(stage));
  }
  for (std::size_t i = 0; i < consumers; ++i) {
    StagePlan stage{"c" + std::to_string(i), Role::consumer};
    const std::size_t sources = producers + relays;
    const std::size_t first = relays > 0 && random.percent(60) ? sources - 1 : random.below(sources);
    add_subscription(stage, first);
    if (sources > 1 && random.percent(30)) add_subscription(stage, (first + 1) % sources);
    plan.stages.push_back(std::move(stage));
  }
  // Without anybody to read it, a producer would wait for ever.
  for (std::size_t source = 0; source < producers + relays; ++source) {
    const bool read = std::any_of(plan.stages.begin(), plan.stages.end(), [&](const StagePlan& stage) {
      return std::any_of(stage.subscriptions.begin(), stage.subscriptions.end(),
                         [&](const SubscriptionPlan& at) { return at.source == source; });
    });
    if (!read) add_subscription(plan.stages.back(), source);
  }
  return plan;
}

bool selects(const Selection& selection, std::string_view topic) {
  const auto& patterns = selection.patterns();
  return patterns.empty() || std::any_of(patterns.begin(), patterns.end(), [&](const Topic& pattern) {
           return pattern.is_prefix ? topic.substr(0, pattern.text.size()) == pattern.text : topic == pattern.text;
         });
}

std::vector<Content> make(Makes makes, const Content& of) {
  const std::size_t hash = ContentHash{}(of) >> 7;
  const std::size_t count = makes == Makes::the_same ? 1
                            : makes == Makes::some   ? (hash % 3 == 0 ? 0 : 1)
                                                     : 1 + hash % 3;
  std::vector<Content> made;
  for (std::size_t i = 0; i < count; ++i) made.push_back({of.root, of.part * 4 + i});
  return made;
}

}  // namespace galena::sim
