// SPDX-License-Identifier: Apache-2.0
#include "galena/core/log.hpp"

#include <algorithm>

#include "galena/base/assert.hpp"

namespace galena::core {

Log::~Log() {
  floor_ = end();
  while (!items_.empty()) evict();
  if (segment_ != nullptr) drop_segment(segment_);
}

std::uint32_t Log::growth(std::size_t bytes) const {
  const std::size_t header = open_count_ == 0 || open_bytes() >= max_batch_bytes ? batch_header_bytes : 0;
  if (segment_ != nullptr && segment_->capacity() - open_end_ >= bytes + header) return 0;
  if (reusable() && segment_->capacity() >= bytes + batch_header_bytes) return 0;
  return pool_.next_capacity(segment_ == nullptr ? 0 : segment_->capacity(), bytes + batch_header_bytes);
}

/// Sees to it that an open batch, or a new one, has room for the event at `position`.
void Log::make_space(std::size_t bytes, std::uint64_t position) {
  if (open_bytes() >= max_batch_bytes) seal(position);
  const std::size_t header = open_count_ == 0 ? batch_header_bytes : 0;
  // All that was written is gone: the same memory again, which is still in the processor's cache.
  if (header != 0 && reusable()) open_begin_ = open_end_ = 0;
  if (segment_ == nullptr || segment_->capacity() - open_end_ < bytes + header) {
    seal(position);
    open_segment(bytes + batch_header_bytes);
  }
  if (open_count_ == 0) open_end_ += batch_header_bytes;
  // An event may start while the batch is below its size; one that ends beyond it comes here again.
  space_end_ = std::min(segment_->capacity(), open_begin_ + max_batch_bytes);
}

void Log::omit(std::uint64_t position) {
  seal(position);
  if (gap_grows_ && !items_.empty()) {
    Item& gap = items_.back();
    ++gap.count;
    gap.upto = position + 1;
  } else {
    items_.push_back({.count = 1, .from = covered_, .upto = position + 1, .offset = sealed_bytes_});
    gap_grows_ = true;
  }
  covered_ = position + 1;
}

void Log::note_gap(std::uint64_t from, std::uint64_t upto, std::uint32_t count) {
  seal(from);
  items_.push_back({.count = count, .from = covered_, .upto = upto, .offset = sealed_bytes_, .exact = false});
  gap_grows_ = false;
  covered_ = upto;
}

void Log::seal(std::uint64_t upto) {
  if (open_count_ == 0) return;
  write_batch_header(segment_->data() + open_begin_,
                     {open_bytes() - static_cast<std::uint32_t>(batch_header_bytes), open_count_, covered_, upto, 0});
  items_.push_back({segment_, open_begin_, open_end_, open_count_, covered_, upto, sealed_bytes_});
  sealed_bytes_ += open_bytes();
  covered_ = upto;
  gap_grows_ = false;
  open_begin_ = open_end_;
  open_count_ = 0;
  space_end_ = 0;
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
  if (segment_ != nullptr && !has_items_in_segment()) drop_segment(segment_);  // else it goes with its last item
  segment_ = next;
  open_begin_ = open_end_ = 0;
}

void Log::release_idle_segment() {
  if (segment_ == nullptr || open_count_ > 0 || has_items_in_segment()) return;
  drop_segment(segment_);
  segment_ = nullptr;
  open_begin_ = open_end_ = 0;
}

void Log::drop_segment(Segment* segment) {
  charged_ -= segment->capacity();
  pool_.give_back(segment);
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
