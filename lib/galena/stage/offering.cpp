// SPDX-License-Identifier: Apache-2.0
#include "galena/stage/offering.hpp"

namespace galena::detail {

Sink& Offering::sink() {
  sink_.clear();
  return sink_;
}

void Offering::put(const EventView& event) {
  if (left_.empty() && offer(event, from_)) return;  // else in order, behind those that wait
  left_.push_back({from_, Event(event)});
  ++from_.origin.part;
  waits_ = true;
}

void Offering::put(std::span<const EventView> events) {
  for (const EventView& event : events) put(event);
}

bool Offering::offer(const EventView& event, core::Provenance& from) {
  return driver_.offer(event, from.plain() ? nullptr : &from);
}

bool Offering::retry() {
  while (!left_.empty() && offer(left_.front().event.view(), left_.front().from)) left_.pop_front();
  waits_ = !left_.empty();
  return left_.empty();
}

std::size_t Offering::abandon() {
  const std::size_t events = left_.size();
  for (const Left& left : left_) driver_.count_abandoned(left.event.view());
  left_.clear();
  waits_ = false;
  return events;
}

}  // namespace galena::detail
