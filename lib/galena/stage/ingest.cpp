// SPDX-License-Identifier: Apache-2.0
#include "galena/detail/ingest.hpp"

namespace galena::detail {

void Ingest::put(std::span<const EventView> events) {
  // Without a limit they may also be taken one by one, so that more than the buffer holds can be made at once.
  std::size_t taken = 0;
  if (deadline_ != never || stop_ != nullptr) {
    if (stage_.put(events, at_once)) return;
  } else {
    while (taken < events.size() && stage_.put(events[taken], at_once)) ++taken;
  }
  for (const EventView& event : events.subspan(taken)) left_.emplace_back(event);
}

bool Ingest::finish_later() {
  if (deadline_ == at_once) return false;
  std::vector<EventView> events;
  events.reserve(left_.size());
  for (const Event& event : left_) events.push_back(event.view());
  return stage_.put(events, deadline_, stop_);
}

}  // namespace galena::detail
