// SPDX-License-Identifier: Apache-2.0
// Galena's own twelve cases in one process, by global name and by variable: exactly what was selected, in order, and
// nothing else.
#include <doctest/doctest.h>

#include <list>

#include "stage/stage_fixture.hpp"
#include "stage/topology.hpp"

namespace galena::test {
namespace {

/// Re-publishes on the same topic, and says by whom it went.
struct Stamp {
  std::string name;
  Event handle_produce(std::string_view topic, std::string_view message) {
    return {std::string(topic), name + "<" + std::string(message)};
  }
};

enum class Naming { global, variable };

class Pipeline {
 public:
  Pipeline(const Topology& topology, Naming naming) : topology_(topology), naming_(naming), node_(realm_.options()) {
    for (const StagePlan& plan : topology_.stages) {
      if (plan.is_source()) {
        sources_.emplace_back(node_, ProducerOptions{.name = name_of(plan.name)});
        by_name_.emplace(plan.name, sources_.back());
      } else if (topology_.is_relay(plan)) {
        relays_.emplace_back(node_, Stamp{plan.name},
                             ProducerConsumerOptions{.name = name_of(plan.name), .subscriptions = wishes(plan)});
        by_name_.emplace(plan.name, relays_.back());
      } else {
        Keep& keep = kept_[plan.name];
        consumers_.emplace_back(node_, keep, ConsumerOptions{.subscriptions = wishes(plan)});
      }
    }
  }

  void run(int count) {
    std::size_t next_source = 0;
    for (const StagePlan& plan : topology_.stages) {
      if (plan.is_source()) {
        REQUIRE(source(next_source++).wait_for_subscribers(topology_.subscriptions_of(plan.name), patience));
      }
    }
    std::size_t next_relay = 0;
    for (const StagePlan& plan : topology_.stages) {
      if (topology_.is_relay(plan)) {
        REQUIRE(relay(next_relay++).wait_for_subscribers(topology_.subscriptions_of(plan.name), patience));
      }
    }
    next_source = 0;
    for (const StagePlan& plan : topology_.stages) {
      if (!plan.is_source()) continue;
      Producer<>& producer = source(next_source++);
      for (int i = 0; i < count; ++i) {
        producer.ingest(plan.topics[static_cast<std::size_t>(i) % plan.topics.size()], message_text(plan.name, i));
      }
      for (const std::string& topic : plan.topics) producer.ingest(topic, plan.name + "#end");
    }
    // Whatever was to come has been handled then; the end of each topic was the last of it.
    for (Producer<>& producer : sources_) REQUIRE(producer.drain(patience));
    for (auto& relay : relays_) REQUIRE(relay.drain(patience));
  }

  std::map<std::string, Flow> received() const {
    std::map<std::string, Flow> flows;
    for (const auto& [name, keep] : kept_) {
      for (const Received& each : keep.events->all()) sort_in(flows[name], each.topic, each.message);
    }
    return flows;
  }

  void check_counts(const std::map<std::string, Flow>& expected) const {
    std::size_t next = 0;
    for (const StagePlan& plan : topology_.stages) {
      if (plan.is_source() || topology_.is_relay(plan)) continue;
      auto at = consumers_.begin();
      std::advance(at, static_cast<long>(next++));
      const ConsumerStats stats = at->stats();
      CHECK(stats.received == events_in(expected.at(plan.name)));
      CHECK(stats.lost + stats.unknown_gaps + stats.mismatched + stats.malformed == 0);
    }
    for (const Producer<>& producer : sources_) {
      const ProducerStats stats = producer.stats();
      CHECK(stats.outstanding == 0);
      CHECK(stats.dropped == 0);
    }
  }

 private:
  Name name_of(const std::string& name) const { return naming_ == Naming::global ? global(name) : Name(); }
  std::vector<Subscription> wishes(const StagePlan& plan) const {
    std::vector<Subscription> subscriptions;
    for (const Wish& wish : plan.wishes) {
      std::vector<Topic> topics(wish.topics.begin(), wish.topics.end());
      subscriptions.push_back({by_name_.at(wish.producer), Selection(topics)});
    }
    return subscriptions;
  }
  Producer<>& source(std::size_t number) { return *std::next(sources_.begin(), static_cast<long>(number)); }
  ProducerConsumer<Stamp>& relay(std::size_t number) { return *std::next(relays_.begin(), static_cast<long>(number)); }

  const Topology& topology_;
  Naming naming_;
  Realm realm_;
  Node node_;
  std::list<Producer<>> sources_;
  std::list<ProducerConsumer<Stamp>> relays_;
  std::map<std::string, Keep> kept_;
  std::list<Consumer<Keep>> consumers_;
  std::map<std::string, Source> by_name_;
};

void each_gets_exactly_what_it_selected(Naming naming) {
  constexpr int count = 120;
  for (const Topology& topology : twelve_cases()) {
    CAPTURE(topology.title);
    auto expected = expected_flows(topology, count);
    Pipeline pipeline(topology, naming);
    pipeline.run(count);
    const auto received = pipeline.received();
    pipeline.check_counts(expected);
    for (const StagePlan& plan : topology.stages) {
      if (plan.is_source() || topology.is_relay(plan)) continue;
      CAPTURE(plan.name);
      CHECK(received.contains(plan.name));
      CHECK((received.at(plan.name) == expected.at(plan.name)));
    }
  }
}

TEST_CASE("the twelve cases by global name: each consumer gets exactly what it selected, in order") {
  each_gets_exactly_what_it_selected(Naming::global);
}

TEST_CASE("the twelve cases by variable: each consumer gets exactly what it selected, in order") {
  each_gets_exactly_what_it_selected(Naming::variable);
}

}  // namespace
}  // namespace galena::test
