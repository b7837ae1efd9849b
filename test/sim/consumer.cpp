// SPDX-License-Identifier: Apache-2.0
#include "consumer.hpp"

#include <algorithm>

namespace galena::sim {

Consumer::Consumer(Env& env, std::size_t stage, std::uint32_t life, std::uint32_t actor, Stores& stores)
    : Process(stage, life), env_(env) {
  const auto& plans = env.plan.stages[stage].subscriptions;
  stores.resize(plans.size());
  for (std::size_t i = 0; i < plans.size(); ++i) {
    subscribers_.push_back(std::make_unique<Subscriber>(env, *this, plans[i], life, actor, &stores[i]));
  }
}

Consumer::~Consumer() {
  for (const auto& subscriber : subscribers_) {
    const SubscriptionPlan& plan = subscriber->plan();
    if (!plan.identity && !plan.store) subscriber->holder().gone = true;
  }
}

bool Consumer::step() {
  for (const auto& subscriber : subscribers_) subscriber->note_time();
  bool any = false;
  Subscriber& subscriber = *subscribers_[env_.random.below(subscribers_.size())];
  for (std::uint64_t turns = env_.random.between(1, env_.quiet ? 12 : 6); turns > 0; --turns) any |= subscriber.work();
  return any;
}

bool Consumer::take(Subscriber& /*from*/, const EventView& /*event*/) { return true; }

bool Consumer::leave() {
  for (const auto& subscriber : subscribers_) {
    subscriber->stop(subscriber->plan().identity ? core::reason::away : core::reason::cancelled);
  }
  return true;
}

bool Consumer::is_over() const {
  return std::any_of(subscribers_.begin(), subscribers_.end(), [](const auto& at) { return at->superseded(); });
}

bool Consumer::at_rest() const {
  return std::all_of(subscribers_.begin(), subscribers_.end(), [](const auto& at) { return at->idle(); });
}

std::string Consumer::state() const {
  std::string text;
  for (const auto& subscriber : subscribers_) text += (text.empty() ? "" : ", ") + subscriber->state();
  return text;
}

}  // namespace galena::sim
