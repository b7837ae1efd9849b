// SPDX-License-Identifier: Apache-2.0
#include "galena/core/log.hpp"

#include <algorithm>
#include <utility>

#include "galena/base/assert.hpp"

namespace galena::core {

std::uint32_t Item::offset_of(std::uint64_t number) const {
  EventReader in_front = reader();
  for (EventView event; number > 0 && in_front.next(event); --number) {
  }
  return static_cast<std::uint32_t>(events().size() - in_front.rest().size());
}

ItemReader::ItemReader(const Item& item, std::uint32_t events, std::uint32_t offset) : reader_(item.reader(offset)) {
  const BatchHeader header = item.header();
  from_ = {(header.flags & flag_repeated) != 0, header.origin};
  if (!header.origin) return;
  EventReader before = item.reader();
  EventView event;
  for (std::uint32_t i = 0; i < events && before.next(event); ++i) {
    if (i > 0) from_.origin.advance(before.step());
  }
  step_ = events > 0;
}

bool ItemReader::next(EventView& event) {
  if (!reader_.next(event)) return false;
  if (from_.origin && std::exchange(step_, true)) from_.origin.advance(reader_.step());
  return true;
}

Log::~Log() {
  floor_ = end();
  while (!items_.empty()) evict();
  if (segment_ != nullptr) drop_segment(segment_);
}

std::uint32_t Log::growth(std::size_t bytes) const {
  // As much as a header can take: what it will be is known only with the event.
  const std::size_t header = open_count_ == 0 || open_bytes() >= max_batch_bytes ? origin_header_bytes : 0;
  if (segment_ != nullptr && segment_->capacity() - open_end_ >= bytes + header) return 0;
  if (reusable() && segment_->capacity() >= bytes + origin_header_bytes) return 0;
  return pool_.next_capacity(segment_ == nullptr ? 0 : segment_->capacity(), bytes + origin_header_bytes);
}

Log::Forecast::Forecast(const Log& log)
    : pool_(&log.pool_),
      capacity_(log.segment_ == nullptr ? 0 : log.segment_->capacity()),
      left_(capacity_ - (log.reusable() ? 0 : log.open_end_)),
      batch_bytes_(log.open_bytes()) {}

std::uint32_t Log::Forecast::add(std::size_t bytes) {
  const auto header = [&] { return batch_bytes_ == 0 || batch_bytes_ >= max_batch_bytes ? origin_header_bytes : 0; };
  std::uint32_t growth = 0;
  if (left_ < bytes + header()) {
    growth = capacity_ = pool_->next_capacity(capacity_, bytes + origin_header_bytes);
    left_ = capacity_;
    batch_bytes_ = 0;
  }
  const std::size_t size = bytes + header();
  if (batch_bytes_ >= max_batch_bytes) batch_bytes_ = 0;
  batch_bytes_ += size;
  left_ -= size;
  return growth;
}

/// Sees to it that an open batch, or a new one, has room for the event at `position`.
void Log::make_space(std::size_t bytes, std::uint64_t position, const Provenance& from) {
  if (open_bytes() >= max_batch_bytes) seal(position);
  const std::size_t whole_header = from.origin ? origin_header_bytes : batch_header_bytes;
  const std::size_t header = open_count_ == 0 ? whole_header : 0;
  // All that was written is gone: the same memory again, which is still in the processor's cache.
  if (header != 0 && reusable()) open_begin_ = open_end_ = 0;
  if (segment_ == nullptr || segment_->capacity() - open_end_ < bytes + header) {
    seal(position);
    open_segment(bytes + origin_header_bytes);
  }
  if (open_count_ == 0) {
    open_end_ += static_cast<std::uint32_t>(whole_header);
    open_run_ = ProvenanceRun(from);
  }
  // An event may start while the batch is below its size; one that ends beyond it comes here again.
  space_end_ = std::min(segment_->capacity(), open_begin_ + max_batch_bytes);
}

void Log::append(const EventView& event, std::size_t bytes, std::uint64_t position, const Provenance& from) {
  if (open_count_ > 0 && !open_run_.admits(from)) seal(position);
  const std::size_t most = from.origin ? bytes + max_step_bytes : bytes;
  if (!has_space(most)) make_space(most, position, from);
  char* const begin = segment_->data() + open_end_;
  char* const end = open_run_.write_step_to(write_event(begin, event), from.origin);
  open_end_ += static_cast<std::uint32_t>(end - begin);
  ++open_count_;
  ++held_events_;
}

void Log::adopt(Segment* segment, std::uint32_t count, std::uint64_t position) {
  seal(position);
  leave_segment();
  pool_.take(*segment);
  charged_ += segment->footprint();
  held_events_ += count;
  push_batch({segment, 0, segment->capacity(), count, covered_, position + count, sealed_bytes_}, {});
}

void Log::omit(std::uint64_t position, bool of_input) {
  seal(position);
  if (gap_grows_ && !items_.empty() && items_.back().of_input == of_input) {
    Item& gap = items_.back();
    ++gap.count;
    gap.upto = position + 1;
  } else {
    items_.push_back({.count = 1,
                      .from = covered_,
                      .upto = position + 1,
                      .offset = sealed_bytes_,
                      .exact = !of_input,
                      .of_input = of_input});
    gap_grows_ = true;
  }
  covered_ = position + 1;
}

void Log::record_gap(std::uint64_t from, std::uint64_t upto, std::uint32_t count, bool of_input) {
  seal(from);
  items_.push_back(
      {.count = count, .from = covered_, .upto = upto, .offset = sealed_bytes_, .exact = false, .of_input = of_input});
  gap_grows_ = false;
  covered_ = upto;
}

void Log::seal(std::uint64_t upto) {
  if (open_count_ == 0) return;
  Item item{segment_, open_begin_, open_end_, open_count_, covered_, upto, sealed_bytes_};
  item.has_origin = static_cast<bool>(open_run_.first().origin);
  push_batch(item, open_run_.first());
  open_begin_ = open_end_;
  open_count_ = 0;
  space_end_ = 0;
}

void Log::push_batch(const Item& item, const Provenance& from) {
  const std::uint16_t flags = from.repeated ? flag_repeated : std::uint16_t{0};
  const std::uint32_t bytes = item.end - item.begin;
  write_batch_header(item.segment->data() + item.begin,
                     {bytes - item.header_size(), item.count, item.from, item.upto, flags, from.origin});
  items_.push_back(item);
  sealed_bytes_ += bytes;
  covered_ = item.upto;
  gap_grows_ = false;
}

void Log::skip_to(std::uint64_t position) {
  GALENA_ASSERT(items_.empty() && open_count_ == 0 && covered_ <= position, "what a log has, it speaks of");
  covered_ = position;
}

/// Of the segment in use. Only gaps can stand behind the last item that lies in it.
bool Log::has_items_in_segment() const {
  for (auto item = items_.rbegin(); item != items_.rend(); ++item) {
    if (!item->is_gap()) return item->segment == segment_;
  }
  return false;
}

/// The segment in use may be written from its beginning: nobody needs what was in it.
bool Log::reusable() const {
  return segment_ != nullptr && open_count_ == 0 && !has_items_in_segment() && segment_->unshared();
}

void Log::open_segment(std::size_t bytes) {
  Segment* next = pool_.take(pool_.next_capacity(segment_ == nullptr ? 0 : segment_->capacity(), bytes));
  charged_ += next->capacity();
  leave_segment();
  segment_ = next;
}

/// Nothing more is written to the segment in use.
void Log::leave_segment() {
  if (segment_ != nullptr && !has_items_in_segment()) drop_segment(segment_);  // else it goes with its last item
  segment_ = nullptr;
  open_begin_ = open_end_ = 0;
}

void Log::release_idle_segment() {
  if (segment_ != nullptr && open_count_ == 0 && !has_items_in_segment()) leave_segment();
}

void Log::drop_segment(Segment* segment) {
  charged_ -= segment->footprint();
  pool_.give_back(segment);
}

std::uint64_t Log::position_of(const Spot& spot) const {
  if (spot.item >= end() || at(spot.item).is_gap() || spot.events >= at(spot.item).count) return position_of(spot.item);
  // The events that follow in the item take a position each.
  return at(spot.item).upto - (at(spot.item).count - spot.events);
}

std::uint64_t Log::events_between(Spot from, const Spot& upto) const {
  std::uint64_t events = 0;
  for (; from.item < upto.item && from.item < end(); from = {from.item + 1, 0}) {
    const Item& item = at(from.item);
    if (!item.is_gap()) events += item.count - std::min<std::uint64_t>(from.events, item.count);
  }
  const bool inside = from.item == upto.item && from.item < end() && !at(from.item).is_gap();
  return events + (inside ? upto.events - std::min(upto.events, from.events) : 0);
}

Spot Log::behind(Spot from, std::uint64_t count) const {
  from.events += count;
  for (; at(from.item).is_gap() || from.events >= at(from.item).count; ++from.item) {
    if (!at(from.item).is_gap()) from.events -= at(from.item).count;
  }
  return from;
}

void Log::move_floor(std::uint64_t number) {
  GALENA_ASSERT(floor_ <= number && number <= end(), "a floor moves forward within its log");
  for (; floor_ < number; ++floor_) {
    const Item& item = at(floor_);
    if (!item.is_gap()) held_events_ -= item.count;
  }
}

void Log::evict() {
  GALENA_ASSERT(first_ < floor_, "only what is below the floor may go");
  Segment* segment = items_.front().segment;
  items_.pop_front();
  ++first_;
  if (segment == nullptr || segment == segment_) return;
  // Items of one segment lie side by side, though a gap may stand between them.
  for (const Item& item : items_) {
    if (item.segment == segment) return;
    if (!item.is_gap()) break;
  }
  drop_segment(segment);
}

}  // namespace galena::core
