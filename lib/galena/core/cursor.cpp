// SPDX-License-Identifier: Apache-2.0
#include "galena/core/cursor.hpp"

#include <utility>

#include "galena/core/message.hpp"
#include "galena/core/view.hpp"

namespace galena::core {

std::uint64_t Cursor::selected() const { return view->selected - selected_before; }

std::uint64_t Cursor::held_bytes() const {
  const Log& log = view->log;
  const std::uint64_t begin = item < log.end() ? log.at(item).offset + offset : log.written() - log.open_bytes();
  return log.written() - begin;
}

bool Cursor::at_end() const {
  const Log& log = view->log;
  if (log.has_open() || item == log.end()) return !log.has_open();
  return item + 1 == log.end() && log.at(item).is_gap() && events == log.at(item).count;
}

std::uint64_t Cursor::position() const {
  const std::uint64_t next = view->log.position_of(item);
  return gap ? std::min(gap->from, next) : next;
}

void Cursor::learn_gap() {
  const Item& it = view->log.at(item);
  if (events == it.count) return;
  record_gap(events > 0 ? learned : it.from, it.upto,
             it.exact ? std::optional<std::uint64_t>(it.count - events) : std::nullopt,
             it.of_input ? reason::upstream : reason::full);
  events = it.count;
  learned = it.upto;
}

void Cursor::go_back(std::uint64_t number, std::uint64_t count) {
  const Log& log = view->log;
  item = number;
  events = offset = 0;
  for (; item < log.end() && !log.at(item).is_gap() && count >= log.at(item).count; ++item) count -= log.at(item).count;
  if (item == log.end() || log.at(item).is_gap()) return;
  events = static_cast<std::uint32_t>(count);
  offset = log.at(item).offset_of(count);
}

std::uint64_t Cursor::go_on(std::uint64_t from, std::uint64_t count) {
  const Log& log = view->log;
  std::uint64_t passed = 0;
  const bool dense = view->selection.everything();  // each event is a position: how batches were cut does not matter
  if (dense) from += std::exchange(count, 0);
  for (; item < log.end() && log.at(item).upto <= from; step()) {
    if (log.at(item).is_gap()) {
      learn_gap();
    } else {
      passed += log.at(item).count - events;
    }
  }
  if (gap && gap->upto <= from) gap.reset();  // it has been told
  if (item == log.end() || log.at(item).is_gap()) return passed;
  if (dense) count = std::max(from, log.at(item).from) - log.at(item).from;
  if ((!dense && log.at(item).from != from) || count <= events) return passed;
  count = std::min<std::uint64_t>(count, log.at(item).count);
  passed += count - events;
  go_back(item, count);
  return passed;
}

std::optional<std::uint64_t> Cursor::hand_back(const std::vector<Run>& runs) {
  const Log& log = view->log;
  returned.insert(returned.end(), runs.begin(), runs.end());
  std::sort(returned.begin(), returned.end(), [](const Run& a, const Run& b) { return a.end < b.end; });
  const Spot oldest{held, held == log.floor() ? view->dropped_events : 0};
  const std::uint64_t gone_before = gone;
  std::optional<Gap> gap_of_gone;
  std::optional<std::uint64_t> gone_back_to;
  for (Run& run : returned) {
    // Counted from its end: the beginning may be acknowledged, or not there any more.
    const Spot first = std::max(Spot{run.begin.item, 0}, oldest);
    const std::uint64_t there = log.events_between(first, run.end);
    const std::uint64_t left = std::min(there, run.events);
    run.begin = left > 0 ? log.behind(first, there - left) : first;
    if (left < run.events) {
      if (!gap_of_gone) gap_of_gone = Gap{run.from, run.from, std::nullopt, {}};
      gap_of_gone->upto = log.position_of(run.begin);
      gone += std::exchange(run.events, left) - left;
    }
  }
  std::erase_if(returned, [](const Run& run) { return run.events == 0; });
  while (!returned.empty() && log.events_between(returned.back().end, spot()) == 0) {
    const Spot begin = returned.back().begin;
    returned.pop_back();
    if (begin.item < item) gone_back_to = forget_gaps(begin.item);
    go_back(begin.item, begin.events);
  }
  if (gap_of_gone) record_gap(gap_of_gone->from, gap_of_gone->upto, std::nullopt, reason::full);
  dropped += gone - gone_before;
  return gone_back_to;
}

/// Undoes the drop accounting of items >= `number`: the cursor goes back there, and will count their gaps again. What
/// was dropped below them stays a gap that is to be told. Returns the position from which on that is so.
std::uint64_t Cursor::forget_gaps(std::uint64_t number) {
  const Log& log = view->log;
  const std::uint64_t from = log.position_of(number);
  if (gap && gap->from < from) {
    gap->upto = std::min(gap->upto, from);
    gap->count.reset();
  } else {
    gap.reset();
  }
  for (; number <= item && number < log.end(); ++number) {
    const Item& it = log.at(number);
    if (it.is_gap() && it.exact) dropped -= number < item ? it.count : events;
  }
  return from;
}

}  // namespace galena::core
