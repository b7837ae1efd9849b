// SPDX-License-Identifier: Apache-2.0
#include "galena/core/view.hpp"

namespace galena::core {

std::uint64_t Cursor::position() const {
  const std::uint64_t next = item == view->log.end() ? view->log.covered() : view->log.at(item).from;
  return gap ? std::min(gap->from, next) : next;
}

void Cursor::learn_gap() {
  const Item& it = view->log.at(item);
  if (events == it.count) return;
  note_gap(it.from, it.upto, it.exact ? std::optional<std::uint64_t>(it.count - events) : std::nullopt, reason::full);
  events = it.count;
}

void Cursor::go_back(std::uint64_t number, std::uint64_t count) {
  const Log& log = view->log;
  item = number;
  events = offset = 0;
  for (; item < log.end() && !log.at(item).is_gap() && count >= log.at(item).count; ++item) count -= log.at(item).count;
  if (item == log.end() || log.at(item).is_gap()) return;
  EventReader reader = log.at(item).reader();
  for (EventView event; events < count && reader.next(event); ++events) {
  }
  offset = static_cast<std::uint32_t>(log.at(item).events().size() - reader.rest().size());
}

std::uint64_t Cursor::go_on(std::uint64_t from, std::uint64_t count) {
  const Log& log = view->log;
  std::uint64_t passed = 0;
  for (; item < log.end() && log.at(item).upto <= from; step()) {
    if (log.at(item).is_gap()) {
      learn_gap();
    } else {
      passed += log.at(item).count - events;
    }
  }
  if (gap && gap->upto <= from) gap.reset();  // it has been told
  if (item == log.end() || log.at(item).is_gap() || log.at(item).from != from || count <= events) return passed;
  count = std::min<std::uint64_t>(count, log.at(item).count);
  passed += count - events;
  go_back(item, count);
  return passed;
}

}  // namespace galena::core
