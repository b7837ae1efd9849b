// SPDX-License-Identifier: Apache-2.0
#include "galena/core/drop_oldest.hpp"

#include "galena/core/cursor.hpp"

#include <algorithm>

#include "galena/base/assert.hpp"
#include "galena/core/message.hpp"

namespace galena::core {

Dropped drop_oldest(View& view, DropCounter& drops) {
  const Log& log = view.log;
  if (!view.holds() || log.floor() == log.end()) return Dropped::nothing;
  const std::uint64_t number = log.floor();
  const Item item = log.at(number);

  if (item.is_gap()) {
    for (Cursor* cursor : view.cursors) {
      if (cursor->item == number) cursor->learn_gap();
    }
    view.dropped_events = item.count;
    view.log.close_gap();
  } else {
    EventReader reader = item.reader(view.dropped_offset);
    EventView event;
    const bool read = reader.next(event);
    GALENA_ASSERT(read, "our own batch must be readable");
    const std::uint32_t index = view.dropped_events++;
    view.dropped_offset = static_cast<std::uint32_t>(item.events().size() - reader.rest().size());
    bool missed = false;
    for (Cursor* cursor : view.cursors) {
      if (!cursor->returned.empty()) cursor->hand_back({});  // some of that may be what goes
      if (cursor->item != number || cursor->events > index) continue;
      cursor->events = view.dropped_events;
      cursor->offset = view.dropped_offset;
      // Whatever else of the item is still to come takes a position, too: the gap must not speak of the item's last.
      cursor->record_gap(item.from, item.upto - (item.count - view.dropped_events), 1, reason::full);
      missed = true;
    }
    if (missed) drops.add(event.topic, reason::full);
  }
  if (view.dropped_events < item.count) return Dropped::event;

  view.dropped_events = view.dropped_offset = 0;
  for (Cursor* cursor : view.cursors) {
    if (cursor->item == number) cursor->step();
    cursor->held = std::max(cursor->held, number + 1);
    if (!cursor->returned.empty()) cursor->hand_back({});
  }
  return Dropped::item;
}

}  // namespace galena::core
