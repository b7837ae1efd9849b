// SPDX-License-Identifier: Apache-2.0
#include "galena/core/log.hpp"

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
  return pool_.next_capacity(segment_ == nullptr ? 0 : segment_->capacity(), bytes + batch_header_bytes);
}

void Log::append(const EventView& event, std::size_t bytes, std::uint64_t position) {
  if (open_bytes() >= max_batch_bytes) seal(position);
  const std::size_t header = open_count_ == 0 ? batch_header_bytes : 0;
  // All that was written is gone: the same memory again, which is still in the processor's cache.
  if (header != 0 && items_.empty() && segment_ != nullptr && segment_->unshared()) open_begin_ = open_end_ = 0;
  if (segment_ == nullptr || segment_->capacity() - open_end_ < bytes + header) [[unlikely]] {
    seal(position);
    open_segment(bytes + batch_header_bytes);
  }
  if (open_count_ == 0) open_end_ += batch_header_bytes;
  write_event(segment_->data() + open_end_, event);
  open_end_ += static_cast<std::uint32_t>(bytes);
  ++open_count_;
  ++held_events_;
}

void Log::omit(std::uint64_t position) {
  seal(position);
  // A run of omissions is one gap, unless the floor has passed it already.
  if (!items_.empty() && items_.back().is_gap() && floor_ < end()) {
    Item& gap = items_.back();
    ++gap.count;
    gap.upto = position + 1;
  } else {
    items_.push_back({.count = 1, .from = covered_, .upto = position + 1, .offset = sealed_bytes_});
  }
  covered_ = position + 1;
}

void Log::seal(std::uint64_t upto) {
  if (open_count_ == 0) return;
    write_batch_header(segment_->data() + open_begin_,
                     {open_bytes() - static_cast<std::uint32_t>(batch_header_bytes), open_count_, covered_, upto, 0});
  items_.push_back({segment_, open_begin_, open_end_, open_count_, covered_, upto, sealed_bytes_});
  sealed_bytes_ += open_bytes();
  covered_ = upto;
  open_begin_ = open_end_;
  open_count_ = 0;
}

void Log::open_segment(std::size_t bytes) {
  const std::uint32_t capacity = pool_.next_capacity(segment_ == nullptr ? 0 : segment_->capacity(), bytes);
  Segment* last = segment_;
  segment_ = pool_.take(capacity > pool_.largest() ? static_cast<std::uint32_t>(bytes) : capacity);
  charged_ += segment_->capacity();
  open_begin_ = open_end_ = 0;
  if (last == nullptr) return;
  for (auto item = items_.rbegin(); item != items_.rend(); ++item) {
    if (item->segment == last) return;  // it goes with its last item
    if (!item->is_gap()) break;
  }
  drop_segment(last);
}

void Log::release_idle_segment() {
  if (segment_ == nullptr || open_count_ > 0 || !items_.empty()) return;
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
