// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <string_view>

#include "galena/core/batch.hpp"
#include "galena/core/segment.hpp"

namespace galena::core {

/// A part of a log: a sealed batch, or a note that `count` events of [from, upto) were not kept.
struct Item {
  Segment* segment = nullptr;  ///< none: a gap
  std::uint32_t begin = 0;     ///< of the batch's header in the segment
  std::uint32_t end = 0;
  std::uint32_t count = 0;
  std::uint64_t from = 0;
  std::uint64_t upto = 0;
  std::uint64_t offset = 0;  ///< bytes of the log before it

  bool is_gap() const { return segment == nullptr; }
  std::string_view batch() const { return {segment->data() + begin, end - begin}; }
  std::string_view events() const { return batch().substr(batch_header_bytes); }
};

/// Events in the order of their positions: sealed items, numbered from 0 for ever, and one open batch at the end.
/// Items below the floor are a cache; those from the floor on are held for somebody.
///
/// Invariant: items cover [first item's from, covered) without a hole; a segment is in use exactly as long as an item or
/// the open batch lies in it.
class Log {
 public:
  /// An open batch is sealed when it has grown to this, so that credit never has to cut a large one.
  static constexpr std::uint32_t max_batch_bytes = 64 * 1024;

  Log(SegmentPool& pool, std::uint64_t from) : pool_(pool), covered_(from) {}
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  /// What one more event of `bytes` would add to charged(): 0 while it fits into the segment in use.
  std::uint32_t growth(std::size_t bytes) const;
  /// Adds the event at `position`.
  void append(const EventView& event, std::size_t bytes, std::uint64_t position);
  /// Notes that the event at `position` is not kept.
  void omit(std::uint64_t position);
  /// Seals the open batch, if it has events, and says that it speaks of everything below `upto`.
  void seal(std::uint64_t upto);

  std::uint64_t first() const { return first_; }
  std::uint64_t floor() const { return floor_; }
  std::uint64_t end() const { return first_ + items_.size(); }
  const Item& at(std::uint64_t number) const { return items_[number - first_]; }

  /// Items below `number` are not held any more. REQUIRES: floor() <= number <= end().
  void move_floor(std::uint64_t number);
  /// Forgets the first item. REQUIRES: first() < floor().
  void evict();
  /// Gives back the segment in use if nothing of the log lies in it.
  void release_idle_segment();

  std::uint32_t open_bytes() const { return open_end_ - open_begin_; }
  bool has_open() const { return open_count_ > 0; }
  /// Events from the floor on, the open batch's included.
  std::uint64_t held_events() const { return held_events_; }
  /// Bytes of the segments in use.
  std::uint64_t charged() const { return charged_; }
  /// Bytes of all batches ever written, the open one's included: the distance to an Item's offset.
  std::uint64_t written() const { return sealed_bytes_ + open_bytes(); }
  /// The position up to which sealed items speak.
  std::uint64_t covered() const { return covered_; }

 private:
  void open_segment(std::size_t bytes);
  void drop_segment(Segment* segment);

  SegmentPool& pool_;
  std::deque<Item> items_;
  std::uint64_t first_ = 0;
  std::uint64_t floor_ = 0;
  std::uint64_t held_events_ = 0;
  std::uint64_t charged_ = 0;
  std::uint64_t sealed_bytes_ = 0;
  std::uint64_t covered_;

  Segment* segment_ = nullptr;  // the one in use
  std::uint32_t open_begin_ = 0;
  std::uint32_t open_end_ = 0;  // == open_begin_ while the open batch has no event
  std::uint32_t open_count_ = 0;
};

}  // namespace galena::core
