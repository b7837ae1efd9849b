// SPDX-License-Identifier: Apache-2.0
#include "producer.hpp"

#include <iterator>

namespace galena::sim {

Producer::Producer(Env& env, std::size_t stage, std::uint32_t life, std::uint32_t actor)
    : Process(stage, life), env_(env), publisher_(env, stage, actor), eagerness_(env.random.pick({1U, 4U, 20U})) {}

bool Producer::step() {
  publisher_.note_time();
  if (draining_ && (publisher_.outlet().drained() || env_.now >= drain_until_)) {
    publisher_.end();
    over_ = true;
    return true;
  }
  switch (env_.random.below(4)) {
    case 0:
      return produce();
    case 1:
      return publisher_.release(env_.random.between(1, 10));
    default: {
      const bool received = publisher_.receive(4);
      return publisher_.transmit() || received;
    }
  }
}

bool Producer::produce() {
  if (draining_ || (env_.quiet && last_words_ == 0)) return false;
  for (std::uint64_t left = env_.random.between(1, eagerness_); left > 0; --left) {
    const auto topic = static_cast<std::uint8_t>(env_.random.below(std::size(topics)));
    const std::size_t padding = env_.random.percent(3) ? env_.random.below(1500) : env_.random.below(40);
    const auto answer = publisher_.append(topic, padding, nullptr, nullptr);
    if (answer == Publisher::Answer::full) break;
    if (env_.quiet && answer == Publisher::Answer::accepted && --last_words_ == 0) break;
  }
  if (env_.random.percent(70)) publisher_.transmit();
  return true;
}

bool Producer::leave() {
  if (draining_) return false;
  if (env_.random.percent(50)) {
    draining_ = true;
    drain_until_ = env_.now + env_.random.micros(0, 300'000);
    publisher_.drain();
    publisher_.transmit();
  } else {
    publisher_.end();
    over_ = true;
  }
  return true;
}

bool Producer::at_rest() const { return last_words_ == 0 && publisher_.at_rest(); }

std::string Producer::state() const { return std::to_string(last_words_) + " events to come, " + publisher_.state(); }

}  // namespace galena::sim
