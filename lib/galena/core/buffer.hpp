// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "galena/core/budget.hpp"
#include "galena/core/cursor.hpp"
#include "galena/core/drops.hpp"
#include "galena/core/scan.hpp"
#include "galena/core/topic_index.hpp"
#include "galena/core/view.hpp"
#include "galena/event_view.hpp"
#include "galena/when_full.hpp"

namespace galena::core {

/// The events of a stream, once: the base view has all of them, each distinct filtered selection has a view of its own.
/// A subscriber's cursor holds what it has not acknowledged; the rest of base, up to `retain_bytes`, is a cache.
///
/// Memory stays within limit_bytes, see Budget. While there is no subscriber, what no subscriber was offered yet is
/// held for the first one.
class Buffer {
 public:
  struct Options {
    std::uint64_t limit_bytes = 64 << 20;
    std::uint64_t limit_events = 0;  ///< per view; 0: no bound but bytes
    std::uint64_t retain_bytes = 0;  ///< of base below all cursors: what a resume or a replay can still have
    WhenFull when_full = WhenFull::wait;
  };
  enum class Answer : std::uint8_t { accepted, full, too_large };
  /// With less than that, an event of a few KiB and its copies for two selections may not fit.
  static constexpr std::uint64_t smallest_useful_bytes = 64 << 10;

  explicit Buffer(Options options);
  ~Buffer();
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  /// Takes the event for all who select it, or for none of them. `full` only if when_full is wait. `from` says what it
  /// was made of, if it was.
  [[gnu::always_inline]] Answer append(const EventView& event, const Provenance* from = nullptr) {
    if (from == nullptr && from_ == nullptr && lane_ != nullptr && index_.is_last(event.topic) &&
        lane_->log.append_here(event)) [[likely]] {
      record_put(*lane_);
      ++next_;
      return Answer::accepted;
    }
    return append_general(event, from);
  }
  /// The same for all of the events, or for none of them. `too_large` if that many never fit together.
  Answer append_all(std::span<const EventView> events);
  /// Takes a whole batch of `count` plain events where it lies: in `segment`, behind room for a header. Unless it is
  /// accepted the segment is still the caller's; `too_large`: it has to be taken apart.
  Answer adopt(Segment* segment, std::uint32_t count);
  /// Nobody selects topics, or has to be dropped for.
  bool can_adopt() const {
    return base_.holds() && index_.empty() && !budget_.limits_events() && options_.when_full == WhenFull::wait;
  }
  /// An event above this is never accepted. (Nor is one of which there is not room for all copies that those who select
  /// it need, even if nothing else is held.)
  std::uint64_t largest_event() const { return budget_.largest_event(); }

  /// Puts the cursor where a new subscription starts: at what nobody was offered yet if it is the first, else at the
  /// next event. The cursor must stay where it is in memory until detach(). Returns the first position that it may see.
  std::uint64_t attach(Cursor& cursor, const Selection& selection);
  /// After attach(): a scan of what nobody was offered, if a copy of that may have no room and nothing may be dropped.
  /// It holds what it reads, and comes before the cursor.
  std::unique_ptr<Scan> take_unclaimed_scan() { return std::exchange(unclaimed_scan_, nullptr); }
  /// Removes the cursor, and frees what was held for it. Unless `reason` is empty, `owed` events are counted as dropped
  /// for that reason, by topic: those that were handed back, and those from where the cursor stands on.
  void detach(Cursor& cursor, std::uint64_t owed, std::string_view reason);
  /// After a cursor's `held` has moved.
  void release(View& view);

  /// Holds everything from the next event on for somebody who is expected, in `place`.
  void expect(Cursor& place);
  void forget(Cursor& place);
  /// Reads what `selection` selects from position `from` on, without the first `skip` events of that, up to where the
  /// cursor stands: of what is kept.
  std::unique_ptr<Scan> scan(const Cursor& cursor, std::uint64_t from, std::uint64_t skip);
  /// Keeps what the scan has before it, unless some of that is not held any more.
  void hold(Scan& scan) {
    lane_ = nullptr;
    if (scan.next().item >= base_.log.floor()) scan.hold();
  }
  /// What lies before `item` of base is done with for the scan.
  void release(Scan& scan, std::uint64_t item);
  /// A scan that held something has ended.
  void release_base() {
    if (!base_.holds()) seal(base_);  // it must not speak of what comes next
    release(base_);
  }
  /// Makes the open batch an item, so that it can be sent.
  void seal(View& view) { view.log.seal(next_); }

  /// The position of the next event.
  std::uint64_t next() const { return next_; }
  /// Events that no subscriber was ever offered, and where they begin.
  std::uint64_t unclaimed() const;
  std::uint64_t unclaimed_from() const { return begin_of(unclaimed_); }
  /// Of what the cursor has before it.
  static std::uint64_t begin_of(const Cursor& cursor) {
    const Log& log = cursor.view->log;
    return cursor.item < log.end() ? log.at(cursor.item).from + cursor.events : log.covered();
  }
  std::uint64_t charged() const { return pool_.charged(); }
  /// The bytes of the topics that the views select.
  std::uint64_t selection_bytes() const { return selection_bytes_; }
  bool has_view(const Selection& selection) const { return views_.contains(selection); }
  const DropCounter& drops() const { return drops_; }

  /// Views that have something worth sending, each once.
  bool has_dirty() const { return !dirty_.empty(); }
  std::vector<View*> take_dirty();
  void mark_dirty(View& view);

  /// Memory became free since this was last asked, or can be had now: who waits may try again.
  bool take_freed() { return std::exchange(freed_, false); }
  void record_freeable() { freed_ = true; }
  /// Memory will become free when somebody else (libzmq) lets go of it; then call reclaim().
  bool awaiting_release() const { return pool_.awaiting_release(); }
  void reclaim();

 private:
  using Takers = TopicIndex<View>::Takers;

  Answer append_general(const EventView& event, const Provenance* from);
  void record_put(View& view) {
    ++view.selected;
    if (view.log.open_bytes() >= view.wake_at && !view.dirty) mark_dirty(view);
  }
  void choose_lane(const Takers& takers);
  void change_provenance(const Provenance* from);
  /// Base is written to only if somebody reads it, or will.
  bool uses_base() const { return base_.holds() || options_.retain_bytes > 0; }
  bool fits_all(std::span<const EventView> events);
  bool make_room(const Budget::Request& event);
  void evict_cache(std::uint64_t down_to);
  bool drop_oldest(View& view);
  void put(View& view, const EventView& event, std::size_t bytes);
  void put_or_drop(View& view, const EventView& event, std::size_t bytes);
  bool has_room_for_unclaimed(View& view);
  void fill(View& view);
  void read_base(Cursor& cursor);
  void count_owed(const Cursor& cursor, std::uint64_t owed, std::string_view reason);

  Options options_;
  SegmentPool pool_;
  Budget budget_;
  std::uint64_t next_ = 0;
  View base_;
  std::map<Selection, std::unique_ptr<View>> views_;
  TopicIndex<View> index_;
  std::unique_ptr<Scan> unclaimed_scan_;  // for who attached last
  Cursor unclaimed_;                      // in base while nobody else reads anything
  /// The only view that takes events of the topic that was looked up last: another one of it needs no look-up. None if
  /// there are several, or since somebody came or went, or if that event was not accepted.
  View* lane_ = nullptr;
  std::size_t readers_ = 0;
  std::uint64_t selection_bytes_ = 0;
  const Provenance* from_ = nullptr;  // of the last append
  DropCounter drops_;
  std::vector<View*> dirty_;
  bool freed_ = false;
};

}  // namespace galena::core
