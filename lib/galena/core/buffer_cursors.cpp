// SPDX-License-Identifier: Apache-2.0
// Who reads a buffer: cursors that come and go, and what is unclaimed between them.
#include <algorithm>

#include "galena/base/assert.hpp"
#include "galena/core/buffer.hpp"
#include "galena/core/message.hpp"

namespace galena::core {

std::uint64_t Buffer::attach(Cursor& cursor, const Selection& selection, const Place* stands) {
  lane_ = nullptr;
  const bool first = readers_++ == 0;
  if (first) std::erase(base_.cursors, &unclaimed_);
  seal(base_);
  const std::uint64_t end = base_.log.end();
  if (!first) unclaimed_ = {.view = &base_, .item = end, .held = end, .selected_before = base_.selected};
  const std::uint64_t from = unclaimed_.item < end ? base_.log.at(unclaimed_.item).from + unclaimed_.events : next_;

  if (take_up_handed_on(cursor, selection)) {
    fill(*cursor.view);
  } else if (selection.everything()) {
    if (!first) base_.log.close_gap();
    cursor = unclaimed_;
    read_base(cursor);
  } else {
    auto& view = views_[selection];
    if (!view) {
      view = std::make_unique<View>(selection, pool_, from);
      list(*view);
      // Its place counts selected events from a position on: only a scan knows which of the unclaimed ones these are.
      const bool resumes = stands != nullptr && from < next_;
      const bool waits = options_.when_full == WhenFull::wait;
      if (first && (resumes || (waits && !has_room_for_unclaimed(*view)))) {
        const Place begin = resumes ? *stands : Place{.from = from};
        unclaimed_scan_ = std::make_unique<Scan>(base_, selection, begin.from, begin.events, next_);
        unclaimed_scan_->hold();
        view->log.skip_to(next_);
      } else if (first) {
        fill(*view);
      }
    } else {
      seal(*view);
      view->log.close_gap();
    }
    const std::uint64_t item = first ? view->log.first() : view->log.end();
    cursor = {.view = view.get(), .item = item, .held = item, .selected_before = first ? 0 : view->selected};
    if (unclaimed_.gap) {  // how many of those it would have selected nobody knows
      cursor.gap = unclaimed_.gap;
      cursor.gap->count.reset();
    }
    view->cursors.push_back(&cursor);
  }
  release(base_);
  mark_dirty(*cursor.view);
  return from;
}

/// A copy of what the view selects of that has room, even if nothing is freed meanwhile.
bool Buffer::has_room_for_unclaimed(View& view) {
  reclaim();
  TopicIndex<View> matcher;
  matcher.add(view.selection, &view);
  Budget::Forecast forecast(budget_);
  for (Cursor at = unclaimed_; at.item < base_.log.end(); at.step()) {
    const Item& item = base_.log.at(at.item);
    if (item.is_gap()) continue;
    ItemReader reader(item, at.events, at.offset);
    for (EventView event; reader.next(event);) {
      if (matcher.find(event.topic).empty()) continue;
      const std::size_t provenance = reader.from().plain() ? 0 : most_of_provenance;
      if (!forecast.add(view, event_bytes(event) + provenance)) return false;
    }
  }
  return true;
}

/// The first subscription claims what nobody was offered: what it selects of that is copied into its view. What is
/// copied, or not selected, becomes cache, which makes room for more if there is none; but not what is held for those
/// who are expected.
void Buffer::fill(View& view) {
  TopicIndex<View> matcher;
  matcher.add(view.selection, &view);
  for (Cursor& from = unclaimed_; from.item < base_.log.end(); from.step()) {
    std::uint64_t floor = from.item;
    for (const Cursor* cursor : base_.cursors) floor = std::min(floor, cursor->held);
    base_.log.move_floor(std::max(floor, base_.log.floor()));
    const Item& item = base_.log.at(from.item);
    if (item.is_gap()) {
      view.log.record_gap(item.from, item.upto, item.count, item.of_input);
      continue;
    }
    std::uint64_t position = item.from + from.events;
    ItemReader reader(item, from.events, from.offset);
    for (EventView event; reader.next(event); ++position) {
      if (matcher.find(event.topic).empty()) continue;
      const Provenance* const made = reader.from().plain() ? nullptr : &reader.from();
      const std::size_t bytes = event_bytes(event) + (made != nullptr ? most_of_provenance : 0);
      if (!budget_.has_room(view, bytes)) {
        reclaim();
        evict_cache(0);
      }
      ++view.selected;
      if (budget_.has_room(view, bytes)) {
        view.log.append(event, event_bytes(event), position, reader.from());
      } else {  // what was sent to those who left long ago still takes the room
        view.log.omit(position);
        drops_.add(event.topic, reason::full);
      }
    }
  }
  seal(view);  // what is appended next may be unlike it
}

void Buffer::detach(Cursor& cursor, std::uint64_t owed, std::string_view reason) {
  lane_ = nullptr;
  View& view = *cursor.view;
  seal(view);
  if (!reason.empty()) count_owed(cursor, owed, reason);
  std::erase(view.cursors, &cursor);
  if (--readers_ == 0) begin_unclaimed();
  release(base_);
  if (&view != &base_) {
    release(view);
    if (view.cursors.empty()) unlist(view);
  }
  freed_ = true;
}

/// Nobody reads any more: what is appended from now on is for the next subscription.
void Buffer::begin_unclaimed() {
  seal(base_);
  base_.log.close_gap();
  const std::uint64_t end = base_.log.end();
  unclaimed_ = {.view = &base_, .item = end, .held = end, .selected_before = base_.selected};
  read_base(unclaimed_);
  base_.wake_at = View::quiet;
}

void Buffer::hand_on(Cursor& cursor, std::uint64_t owed) {
  lane_ = nullptr;
  View& view = *cursor.view;
  seal(view);
  const std::uint64_t dropped = cursor.gap ? cursor.gap->count.value_or(0) : 0;  // not told yet
  Cursor rest = cursor;
  rest.held = cursor.item;
  rest.gone = 0;
  rest.dropped = dropped;
  rest.selected_before = view.selected - owed - dropped;
  rest.subscription = nullptr;
  std::erase(view.cursors, &cursor);
  readers_ = 0;
  begin_unclaimed();
  if (&view == &base_) {
    unclaimed_ = rest;
  } else {
    handed_on_ = HandedOn{unlist(view), rest, owed};
    view.cursors.push_back(&handed_on_->cursor);
    view.wake_at = View::quiet;
    release(view);
  }
  release(base_);
  freed_ = true;
}

/// True if the cursor, which is the first, has got what the last one handed on.
bool Buffer::take_up_handed_on(Cursor& cursor, const Selection& selection) {
  if (!handed_on_) return false;
  View& view = *handed_on_->view;
  if (view.selection != selection || !has_room_for_unclaimed(view)) {
    drop_handed_on(reason::cancelled);
    return false;
  }
  cursor = handed_on_->cursor;
  view.cursors = {&cursor};
  list(view);
  views_[selection] = std::move(handed_on_->view);
  handed_on_.reset();
  return true;
}

void Buffer::drop_handed_on(std::string_view reason) {
  count_owed(handed_on_->cursor, handed_on_->owed, reason);
  handed_on_.reset();
  freed_ = true;
}

void Buffer::go_back_in_batch(Cursor& cursor, const Place& stands) {
  const View& view = *cursor.view;
  if (cursor.item == view.log.end() || view.log.at(cursor.item).is_gap()) return;
  const Item& item = view.log.at(cursor.item);
  const std::uint32_t dropped = cursor.item == view.log.floor() ? view.dropped_events : 0;
  std::uint64_t done = 0;
  if (view.selection.everything()) {
    done = std::max(stands.from + stands.events, item.from) - item.from;
  } else if (stands.from == item.from) {
    done = stands.events;
  } else if (stands.from >= item.upto) {
    done = item.count;
  }
  if (cursor.gap && cursor.gap->upto > item.from) done = std::max<std::uint64_t>(done, dropped);  // about to be told
  done = std::min<std::uint64_t>(done, cursor.events);
  cursor.selected_before -= cursor.events - done;
  if (const std::uint64_t first = std::max<std::uint64_t>(done, dropped); first < cursor.events) {
    cursor.go_back(cursor.item, first);
  }
  if (done < dropped) {
    cursor.record_gap(item.from, item.upto - (item.count - dropped), dropped - done, reason::full);
  }
}

void Buffer::list(View& view) {
  index_.add(view.selection, &view);
  selection_bytes_ += selected_bytes(view.selection);
}

/// Nothing is put into the view any more.
std::unique_ptr<View> Buffer::unlist(View& view) {
  index_.remove(view.selection, &view);
  selection_bytes_ -= selected_bytes(view.selection);
  std::erase(dirty_, &view);
  view.dirty = false;
  return std::move(views_.extract(view.selection).mapped());
}

void Buffer::read_base(Cursor& cursor) {
  Log& log = base_.log;
  if (log.first() == log.end() && !log.has_open()) log.skip_to(next_);  // nothing may have been written to it meanwhile
  base_.cursors.push_back(&cursor);
}

void Buffer::expect(Cursor& cursor) {
  lane_ = nullptr;
  seal(base_);
  const std::uint64_t end = base_.log.end();
  cursor = {.view = &base_, .item = end, .held = end, .selected_before = base_.selected};
  read_base(cursor);
}

void Buffer::forget(Cursor& cursor) {
  lane_ = nullptr;
  seal(base_);  // perhaps nobody reads it from here on: it must not speak of what comes next
  std::erase(base_.cursors, &cursor);
  release(base_);
}

std::unique_ptr<Scan> Buffer::scan(const Cursor& cursor, std::uint64_t from, std::uint64_t skip) {
  seal(base_);
  return std::make_unique<Scan>(base_, cursor.view->selection, from, skip, cursor.position());
}

void Buffer::release(Scan& scan, std::uint64_t item) {
  if (!scan.holds()) return;
  scan.release_before(item);
  release(base_);
}

void Buffer::count_owed(const Cursor& cursor, std::uint64_t owed, std::string_view reason) {
  const View& view = *cursor.view;
  const Log& log = view.log;
  // Of item `number`, the events from the `index`-th on, `most` at most.
  const auto count = [&](std::uint64_t number, std::uint64_t index, std::uint64_t most) {
    const Item& item = log.at(number);
    EventReader reader = item.reader(item.offset_of(index));
    for (EventView event; owed > 0 && most > 0 && reader.next(event); --most, --owed) drops_.add(event.topic, reason);
    return most;
  };
  for (const Run& run : cursor.returned) {
    std::uint64_t left = run.events;
    for (Spot at = run.begin; left > 0 && at.item < log.end(); at = {at.item + 1, 0}) {
      if (!log.at(at.item).is_gap()) left = count(at.item, at.events, left);
    }
  }
  for (Spot at = cursor.spot(); at.item < log.end() && owed > 0; at = {at.item + 1, 0}) {
    const Item& item = log.at(at.item);
    if (item.is_gap()) {  // counted when it came to be; of what the cursor knows of it nothing is owed
      if (item.exact) owed -= std::min<std::uint64_t>(owed, item.count - at.events);
    } else {
      // What made room in the log's first item was counted then.
      const std::uint64_t made_room = at.item == log.floor() ? view.dropped_events : 0;
      count(at.item, std::max(at.events, made_room), owed);
    }
  }
  drops_.add("(no longer held)", reason, owed);  // sent, and made room for newer ones since
}

std::uint64_t Buffer::unclaimed() const {
  if (readers_ > 0) return 0;
  const Log& log = base_.log;
  std::uint64_t events = log.held_events() + (handed_on_ ? handed_on_->owed : 0);
  for (std::uint64_t item = log.floor(); item < unclaimed_.item; ++item) {  // held for those who are expected
    if (!log.at(item).is_gap()) events -= log.at(item).count;
  }
  const bool inside = unclaimed_.item < log.end() && !log.at(unclaimed_.item).is_gap();
  return events - (inside ? unclaimed_.events : 0);
}

}  // namespace galena::core
