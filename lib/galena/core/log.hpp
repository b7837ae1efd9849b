// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <deque>
#include <string_view>

#include "galena/core/batch.hpp"
#include "galena/core/provenance.hpp"
#include "galena/core/segment.hpp"

namespace galena::core {

/// A spot in a log: behind the first `events` events of item number `item`.
struct Spot {
  std::uint64_t item = 0;
  std::uint64_t events = 0;
  friend auto operator<=>(const Spot&, const Spot&) = default;
};

/// A part of a log: a sealed batch of `count` events, or a gap: `count` events of [from, upto) were not kept.
struct Item {
  Segment* segment = nullptr;  ///< none: a gap
  std::uint32_t begin = 0;     ///< of the batch's header in the segment
  std::uint32_t end = 0;
  std::uint32_t count = 0;
  std::uint64_t from = 0;
  std::uint64_t upto = 0;
  std::uint64_t offset = 0;  ///< bytes of the log before this item
  bool exact = true;         ///< of a gap: false if some of the `count` events may not be of the view's selection
  bool of_input = false;     ///< of a gap: it stands for one in the input of a relay, of unknown size
  bool has_origin = false;   ///< of a batch: each of its events tells its origin

  bool is_gap() const { return segment == nullptr; }
  std::uint32_t header_size() const { return has_origin ? origin_header_bytes : batch_header_bytes; }
  std::string_view batch() const { return {segment->data() + begin, end - begin}; }
  std::string_view events() const { return batch().substr(header_size()); }
  /// Reads the events of the batch, without those in the first `offset` bytes.
  EventReader reader(std::size_t offset = 0) const { return EventReader(events().substr(offset), has_origin); }
  /// How many bytes the first `number` events of the batch take.
  std::uint32_t offset_of(std::uint64_t number) const;
  BatchHeader header() const {
    std::string_view bytes = batch();
    return *read_batch_header(bytes);
  }
};

/// Reads the events of a sealed batch, and the provenance of each.
class ItemReader {
 public:
  /// Begins after the first `events` events of the item, which take `offset` bytes.
  ItemReader(const Item& item, std::uint32_t events, std::uint32_t offset);

  bool next(EventView& event);
  /// The provenance of the event that next() gave last.
  const Provenance& from() const { return from_; }
  std::string_view rest() const { return reader_.rest(); }

 private:
  Provenance from_;
  EventReader reader_;
  bool step_ = false;  // the next event's origin is behind from_.origin
};

/// Events in the order of their positions: sealed items, numbered from 0 for ever, and one open batch at the end.
/// Items below the floor are a cache; those from the floor on are held for somebody.
///
/// Invariant: items cover [first item's from, covered) without a hole; a segment is in use exactly as long as an item
/// or the open batch lies in it.
class Log {
 public:
  /// An open batch is sealed when it has grown to this, so that credit never has to cut a large one.
  static constexpr std::uint32_t max_batch_bytes = 128 * 1024;

  Log(SegmentPool& pool, std::uint64_t from) : pool_(pool), covered_(from) {}
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  /// What one more event of `bytes` would add to charged(): 0 while it fits into the segment in use.
  std::uint32_t growth(std::size_t bytes) const;
  /// The open batch has room for the event as it is: append() is then a copy and nothing else.
  bool has_space(std::size_t bytes) const { return open_end_ + bytes <= space_end_; }
  /// What charged() would grow by with events that are not appended yet, one after the other: never less than it then
  /// does.
  class Forecast {
   public:
    explicit Forecast(const Log& log);
    /// For one more event of `bytes`.
    std::uint32_t add(std::size_t bytes);

   private:
    const SegmentPool* pool_;
    std::uint32_t capacity_;
    std::size_t left_;
    std::size_t batch_bytes_;
  };
  /// Adds the event behind those of the open batch, if it fits there as it is: the usual case, in which nothing is to
  /// be thought about. REQUIRES: an open batch is one of plain events.
  [[gnu::always_inline]] bool append_here(const EventView& event) {
    if (event.topic.size() >= 0x100 || !has_space(event_bytes(event))) return false;
    const char* const end = write_event(segment_->data() + open_end_, event);
    open_end_ = static_cast<std::uint32_t>(end - segment_->data());
    ++open_count_;
    ++held_events_;
    return true;
  }
  /// Adds the event, of event_bytes() `bytes`, at `position`. REQUIRES: an open batch is one of plain events.
  void append(const EventView& event, std::size_t bytes, std::uint64_t position) {
    if (!has_space(bytes)) [[unlikely]] {
      make_space(bytes, position, {});
    }
    write_event(segment_->data() + open_end_, event);
    open_end_ += static_cast<std::uint32_t>(bytes);
    ++open_count_;
    ++held_events_;
  }
  /// The same for an event that was made of another. `bytes` without its step.
  void append(const EventView& event, std::size_t bytes, std::uint64_t position, const Provenance& from);
  /// Makes an item of a whole batch of `count` plain events that lies in `segment`, behind room for a header. They have
  /// the positions from `position` on. The log holds the segment from now on.
  void adopt(Segment* segment, std::uint32_t count, std::uint64_t position);
  /// Notes that the event at `position` is not kept. A run of them is one gap, the last item, which grows. `of_input`:
  /// the position stands for a gap in the input of a relay.
  void omit(std::uint64_t position, bool of_input = false);
  /// The last item does not grow any more: somebody reads on behind it.
  void close_gap() { gap_grows_ = false; }
  /// Notes that of the `count` events of [from, upto) nobody knows how many would have been appended.
  void record_gap(std::uint64_t from, std::uint64_t upto, std::uint32_t count, bool of_input = false);
  /// Seals the open batch, if it has events, and says that it speaks of everything below `upto`.
  void seal(std::uint64_t upto);

  std::uint64_t first() const { return first_; }
  std::uint64_t floor() const { return floor_; }
  std::uint64_t end() const { return first_ + items_.size(); }
  const Item& at(std::uint64_t number) const { return items_[number - first_]; }
  /// Where item `number` begins, or would if it is the next one.
  std::uint64_t position_of(std::uint64_t number) const { return number < end() ? at(number).from : covered_; }
  /// What lies below this position lies in front of the spot.
  std::uint64_t position_of(const Spot& spot) const;
  /// How many events stand between two spots; 0 if `upto` does not lie behind `from`. REQUIRES: first() <= from.item.
  std::uint64_t events_between(Spot from, const Spot& upto) const;
  /// In front of the event that comes `count` events after the spot. REQUIRES: there is one, first() <= from.item.
  Spot behind(Spot from, std::uint64_t count) const;

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
  /// Speaks of nothing below `position`. REQUIRES: there is neither an item nor an open batch.
  void skip_to(std::uint64_t position);

 private:
  void push_batch(const Item& item, const Provenance& from);
  bool has_items_in_segment() const;
  bool reusable() const;
  void make_space(std::size_t bytes, std::uint64_t position, const Provenance& from);
  void open_segment(std::size_t bytes);
  void leave_segment();
  void drop_segment(Segment* segment);

  SegmentPool& pool_;
  std::deque<Item> items_;
  std::uint64_t first_ = 0;
  std::uint64_t floor_ = 0;
  std::uint64_t held_events_ = 0;
  std::uint64_t charged_ = 0;
  std::uint64_t sealed_bytes_ = 0;
  std::uint64_t covered_;
  bool gap_grows_ = false;  // the last item is a gap, and another omission may extend it

  Segment* segment_ = nullptr;  // the one in use
  std::uint32_t open_begin_ = 0;
  std::uint32_t open_end_ = 0;  // == open_begin_ while the open batch has no event
  std::uint32_t open_count_ = 0;
  std::uint32_t space_end_ = 0;  // how far the open batch grows without a thought; 0: none is open
  ProvenanceRun open_run_;       // where the open batch's events come from
};

}  // namespace galena::core
