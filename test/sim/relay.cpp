// SPDX-License-Identifier: Apache-2.0
#include "relay.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace galena::sim {

Relay::Relay(Env& env, std::size_t stage, std::uint32_t life, std::uint32_t actor)
    : Process(stage, life), env_(env), makes_(env.plan.stages[stage].makes), publisher_(env, stage, actor) {
  for (const SubscriptionPlan& plan : env.plan.stages[stage].subscriptions) {
    subscribers_.push_back(std::make_unique<Subscriber>(env, *this, plan, life, actor, nullptr));
  }
}

bool Relay::step() {
  publisher_.note_time();
  for (const auto& subscriber : subscribers_) subscriber->note_time();
  settle();
  switch (env_.random.below(5)) {
    case 0:
      return publisher_.release(env_.random.between(1, 10));
    case 1:
    case 2: {
      const bool received = publisher_.receive(4);
      if (received) settle();
      return publisher_.transmit() || received;
    }
    default: {
      if (!flush()) return false;
      bool any = false;
      Subscriber& subscriber = *subscribers_[env_.random.below(subscribers_.size())];
      for (std::uint64_t turns = env_.random.between(1, 6); turns > 0 && blocked_ == nullptr; --turns) {
        any |= subscriber.work();
      }
      if (env_.random.percent(70)) any |= publisher_.transmit();
      return any;
    }
  }
}

bool Relay::take(Subscriber& from, const EventView& event) {
  const auto payload = Payload::read(event.payload);
  const auto topic = static_cast<std::uint8_t>(std::find(std::begin(topics), std::end(topics), event.topic) - topics);
  core::Provenance provenance = from.inlet().provenance(event);
  for (const Content& content : make(makes_, payload->content)) {
    stash_.push_back({topic, content, provenance});
    ++provenance.origin.part;
  }
  const std::uint64_t begin = publisher_.outlet().buffer().next();
  from.book().outputs[from.delivery()] = {begin, begin + stash_.size()};
  if (flush()) return true;
  blocked_ = &from;
  return false;
}

/// False if there is no room.
bool Relay::flush() {
  while (!stash_.empty()) {
    const Output& output = stash_.front();
    if (publisher_.append(output.topic, 0, &output.from, &output.content) == Publisher::Answer::full) {
      publisher_.transmit();
      return false;
    }
    stash_.pop_front();
  }
  if (blocked_ != nullptr) std::exchange(blocked_, nullptr)->resume();
  return true;
}

void Relay::settle() {
  const std::uint64_t upto = publisher_.outlet().acknowledged_upto();
  for (const auto& subscriber : subscribers_) subscriber->settle(upto);
}

bool Relay::is_over() const {
  return std::any_of(subscribers_.begin(), subscribers_.end(), [](const auto& at) { return at->superseded(); });
}

bool Relay::at_rest() const {
  return stash_.empty() && publisher_.at_rest() &&
         std::all_of(subscribers_.begin(), subscribers_.end(), [](const auto& at) { return at->idle(); });
}

std::string Relay::state() const {
  std::string text = std::to_string(stash_.size()) + " outputs without room, " + publisher_.state();
  for (const auto& subscriber : subscribers_) text += ", " + subscriber->state();
  return text;
}

}  // namespace galena::sim
