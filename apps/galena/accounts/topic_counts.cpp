// SPDX-License-Identifier: Apache-2.0
#include "accounts/topic_counts.hpp"

#include <utility>

namespace galena::cli {

void TopicCounts::add(const EventView& event) {
  const std::lock_guard lock(mutex_);
  Count* count = &rest_;
  auto producer = counts_.find(event.producer());
  if (producer == counts_.end()) producer = counts_.try_emplace(std::string(event.producer())).first;
  auto topic = producer->second.find(event.topic);
  if (topic == producer->second.end() && topics_ < most_topics) {
    topic = producer->second.try_emplace(std::string(event.topic)).first;
    ++topics_;
  }
  if (topic != producer->second.end()) count = &topic->second;
  ++count->events;
  count->bytes += event.payload.size();
}

TopicCounts::Row TopicCounts::row(std::string producer, std::string topic, Count& count, double seconds) {
  const auto since = static_cast<double>(count.events - std::exchange(count.events_before, count.events));
  return {std::move(producer), std::move(topic), false, count.events, count.bytes, seconds > 0 ? since / seconds : 0};
}

std::vector<TopicCounts::Row> TopicCounts::look(Time now) {
  const std::lock_guard lock(mutex_);
  const double seconds = in_seconds(now - std::exchange(looked_, now));
  std::vector<Row> rows;
  for (auto& [producer, topics] : counts_) {
    for (auto& [topic, count] : topics) rows.push_back(row(producer, topic, count, seconds));
  }
  if (rest_.events > 0) {
    rows.push_back(row("", "", rest_, seconds));
    rows.back().is_rest = true;
  }
  return rows;
}

}  // namespace galena::cli
