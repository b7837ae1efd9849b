// SPDX-License-Identifier: Apache-2.0
#include "galena/core/buffer.hpp"

#include <algorithm>

#include "galena/core/drop_oldest.hpp"
#include "galena/core/message.hpp"

namespace galena::core {
namespace {

constexpr std::uint64_t largest_segment = 256 * 1024;

std::uint32_t segment_size(std::uint64_t limit_bytes) {
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(limit_bytes / 16, 1024, largest_segment));
}

}  // namespace

Buffer::Buffer(Options options)
    : options_(options),
      pool_(segment_size(options.limit_bytes), options.limit_bytes),
      budget_(pool_, options.limit_events),
      base_(Selection(), pool_, 0) {
  unclaimed_.view = &base_;
  base_.cursors.push_back(&unclaimed_);
}

Buffer::~Buffer() = default;

Buffer::Answer Buffer::append_general(const EventView& event, const Provenance* from) {
  static const Takers nobody;
  lane_ = nullptr;
  const std::size_t bytes = event_bytes(event) + (from != nullptr ? most_of_provenance : 0);
  if (from != from_) change_provenance(from);
  if (bytes > largest_event() || event.topic.size() > max_topic_bytes) return Answer::too_large;
  const Takers& takers = index_.empty() ? nobody : index_.find(event.topic);
  if (from == nullptr && base_.log.floor() == base_.log.end()) {  // as in append(), now that the takers are known
    choose_lane(takers);
    if (lane_ != nullptr && lane_->log.append_here(event)) {
      record_put(*lane_);
      ++next_;
      return Answer::accepted;
    }
    lane_ = nullptr;
  }
  const Budget::Request request{uses_base() ? &base_ : nullptr, takers, bytes};
  const bool room = budget_.has_space(request) || make_room(request);
  if (!room && options_.when_full == WhenFull::wait) {
    return budget_.never_fits(request) ? Answer::too_large : Answer::full;
  }
  if (room) [[likely]] {
    if (uses_base()) put(base_, event, bytes);
    for (View* view : takers) put(*view, event, bytes);
  } else {
    if (uses_base()) put_or_drop(base_, event, bytes);
    for (View* view : takers) put_or_drop(*view, event, bytes);
  }
  ++next_;
  if (!base_.holds() && base_.log.floor() < base_.log.end()) {  // nobody reads base itself: all of it is cache
    base_.log.move_floor(base_.log.end());
    evict_cache(options_.retain_bytes);
  }
  choose_lane(takers);
  return Answer::accepted;
}

Buffer::Answer Buffer::append_all(std::span<const EventView> events) {
  std::uint64_t bytes = 0;
  for (const EventView& event : events) {
    if (event_bytes(event) > largest_event() || event.topic.size() > max_topic_bytes) return Answer::too_large;
    bytes += event_bytes(event);
  }
  if (from_ != nullptr) change_provenance(nullptr);  // ends the open batches, so it comes before any look at their room
  if (events.size() > 1 && options_.when_full == WhenFull::wait && !fits_all(events)) {
    const bool never_fits =
        bytes > options_.limit_bytes / 2 || (options_.limit_events != 0 && events.size() > options_.limit_events);
    if (never_fits) return Answer::too_large;
    reclaim();
    evict_cache(0);
    if (!fits_all(events)) return Answer::full;
  }
  for (const EventView& event : events) {
    const Answer answer = append(event);
    if (events.size() == 1) return answer;
    GALENA_ASSERT(answer == Answer::accepted, "what fits is accepted");
  }
  return Answer::accepted;
}

/// All of the events would be accepted, one after the other.
bool Buffer::fits_all(std::span<const EventView> events) {
  Budget::Forecast forecast(budget_);
  for (const EventView& event : events) {
    const std::size_t bytes = event_bytes(event);
    if (uses_base() && !forecast.add(base_, bytes)) return false;
    if (index_.empty()) continue;
    for (const View* view : index_.find(event.topic)) {
      if (!forecast.add(*view, bytes)) return false;
    }
  }
  return true;
}

Buffer::Answer Buffer::adopt(Segment* segment, std::uint32_t count) {
  if (!can_adopt() || segment->footprint() > largest_event()) return Answer::too_large;
  if (!budget_.may_grow(base_, segment->footprint())) {
    reclaim();
    evict_cache(0);
    base_.log.release_idle_segment();
    if (!budget_.may_grow(base_, segment->footprint())) return Answer::full;
  }
  if (from_ != nullptr) change_provenance(nullptr);
  base_.log.adopt(segment, count, next_);
  base_.selected += count;
  next_ += count;
  if (base_.wake_at != View::quiet) mark_dirty(base_);
  return Answer::accepted;
}

void Buffer::append_gap() {
  lane_ = nullptr;
  const auto omit = [this](View& view) {
    view.log.omit(next_, true);
    mark_dirty(view);
  };
  if (uses_base()) omit(base_);
  for (auto& [selection, view] : views_) omit(*view);
  ++next_;
}

void Buffer::choose_lane(const Takers& takers) {
  if (budget_.limits_events()) return;
  if (base_.holds() && takers.empty()) lane_ = &base_;
  if (!uses_base() && !takers.empty()) lane_ = index_.last_only();
}

/// Open batches are of plain events, or of those that say where they come from.
void Buffer::change_provenance(const Provenance* from) {
  if ((from == nullptr) != (from_ == nullptr)) {
    seal(base_);
    for (auto& [selection, view] : views_) seal(*view);
  }
  from_ = from;
}

void Buffer::put(View& view, const EventView& event, std::size_t bytes) {
  if (from_ == nullptr) [[likely]] {
    view.log.append(event, bytes, next_);
  } else {
    view.log.append(event, bytes - most_of_provenance, next_, *from_);
  }
  record_put(view);
}

/// For keep_last and keep_first, when at least one taker has no room.
void Buffer::put_or_drop(View& view, const EventView& event, std::size_t bytes) {
  while (!budget_.has_room(view, bytes)) {
    evict_cache(0);  // what nobody holds goes before what somebody does
    if (budget_.has_room(view, bytes)) break;
    if (options_.when_full == WhenFull::keep_last && handed_on_) {
      drop_handed_on(reason::full);
      continue;
    }
    if (options_.when_full == WhenFull::keep_last && drop_oldest(view)) continue;
    view.log.omit(next_);
    ++view.selected;
    if (view.holds()) drops_.add(event.topic, reason::full);
    mark_dirty(view);
    return;
  }
  put(view, event, bytes);
}

/// Whether all who take the event can have it, at once; frees what may be freed before it says no.
bool Buffer::make_room(const Budget::Request& event) {
  const bool grows = budget_.growth(event) > 0;
  if (!grows && !budget_.limits_events()) [[likely]] {
    return true;
  }
  if (grows) reclaim();
  if (budget_.fits(event)) return true;
  if (!grows) return false;  // more memory does not help: it is limit_events
  if (!base_.holds()) {
    seal(base_);
    release(base_);
  }
  evict_cache(0);
  base_.log.release_idle_segment();
  for (auto& [selection, view] : views_) view->log.release_idle_segment();
  return budget_.fits(event);
}

/// Forgets what base holds for nobody until at most `down_to` bytes of that are left.
void Buffer::evict_cache(std::uint64_t down_to) {
  Log& log = base_.log;
  while (log.first() < log.floor()) {
    const std::uint64_t upto = log.floor() < log.end() ? log.at(log.floor()).offset : log.written() - log.open_bytes();
    if (down_to > 0 && upto - log.at(log.first()).offset <= down_to) return;
    log.evict();
    freed_ = true;
  }
}

/// The policy keep_last. False if the view holds nothing.
bool Buffer::drop_oldest(View& view) {
  if (view.log.floor() == view.log.end()) seal(view);
  const Dropped dropped = core::drop_oldest(view, drops_);
  if (dropped == Dropped::item) release(view);
  return dropped != Dropped::nothing;
}

void Buffer::release(View& view) {
  Log& log = view.log;
  std::uint64_t floor = log.end();
  for (const Cursor* cursor : view.cursors) floor = std::min(floor, cursor->held);
  if (floor <= log.floor()) return;
  log.move_floor(floor);
  view.dropped_events = view.dropped_offset = 0;
  if (&view == &base_) {
    evict_cache(options_.retain_bytes);
  } else {
    while (log.first() < log.floor()) log.evict();
  }
  freed_ = true;
}

std::vector<View*> Buffer::take_dirty() {
  for (View* view : dirty_) view->dirty = false;
  return std::exchange(dirty_, {});
}

void Buffer::mark_dirty(View& view) {
  if (view.dirty) return;
  view.dirty = true;
  dirty_.push_back(&view);
}

void Buffer::reclaim() {
  if (pool_.reclaim()) freed_ = true;
}

}  // namespace galena::core
