// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "galena/core/budget.hpp"
#include "galena/core/cursor.hpp"
#include "galena/core/drops.hpp"
#include "galena/core/place.hpp"
#include "galena/core/scan.hpp"
#include "galena/core/topic_index.hpp"
#include "galena/core/view.hpp"
#include "galena/event_view.hpp"
#include "galena/when_full.hpp"

namespace galena::core {

/// The events of a stream. The base view has all of them; each distinct filtered selection has a view of its own, with
/// copies. A subscription's cursor holds what the subscription has not acknowledged. Behind the cursors base keeps a
/// cache of `retain_bytes`. Memory stays within limit_bytes: see Budget.
///
/// Events that were appended while there was no subscription are "unclaimed": they are held for the first one. So is
/// what the last subscription handed on when it left.
class Buffer {
 public:
  struct Options {
    std::uint64_t limit_bytes = 64 << 20;
    std::uint64_t limit_events = 0;  ///< per view; 0: no bound but bytes
    std::uint64_t retain_bytes = 0;  ///< of base below all cursors: subscriptions can still go back to it
    WhenFull when_full = WhenFull::wait;
  };
  enum class Answer : std::uint8_t { accepted, full, too_large };
  /// With less than that, an event of a few KiB and its copies for two selections may not fit.
  static constexpr std::uint64_t smallest_useful_bytes = 64 << 10;

  explicit Buffer(Options options);
  ~Buffer();
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  /// Puts the event into every view that selects it, or into none. Answers `full` only if when_full is wait. `from`
  /// tells of which event a relay made this one; null if it was made of none.
  [[gnu::always_inline]] Answer append(const EventView& event, const Provenance* from = nullptr) {
    if (from == nullptr && from_ == nullptr && lane_ != nullptr && index_.is_last(event.topic) &&
        lane_->log.append_here(event)) [[likely]] {
      record_put(*lane_);
      ++next_;
      return Answer::accepted;
    }
    return append_general(event, from);
  }
  /// The same for several events: all are put into their views, or none is. `too_large` if they never fit together.
  Answer append_all(std::span<const EventView> events);
  /// Puts a whole batch into base without a copy: `count` events without provenance, which lie in `segment` after space
  /// for a header. If it is accepted the segment belongs to the buffer. `too_large`: append its events one by one.
  /// Requires: can_adopt().
  Answer adopt(Segment* segment, std::uint32_t count);
  /// Tells a gap of unknown size, reason::upstream, to everybody: what a relay would have made is missing. It takes a
  /// position.
  void append_gap();
  /// Whether adopt() may be called: somebody reads base, no view filters, the number of events is not limited, and a
  /// full buffer waits instead of dropping events.
  bool can_adopt() const {
    return base_.holds() && index_.empty() && !budget_.limits_events() && options_.when_full == WhenFull::wait;
  }
  /// A larger event is never accepted. An event that several views select needs a copy in each of them; if the copies
  /// do not fit into an empty buffer, it is never accepted either.
  std::uint64_t largest_event() const { return budget_.largest_event(); }

  /// Puts the cursor where a new subscription starts: at the unclaimed events if the subscription is the first, else at
  /// the next event. The cursor must stay where it is in memory until detach(). `stands`: where its consumer stands in
  /// this stream; null if it was never in it. Returns the first position that it may see.
  std::uint64_t attach(Cursor& cursor, const Selection& selection, const Place* stands = nullptr);
  /// To be asked once after attach(). The view of a first subscription that filters gets copies of the unclaimed
  /// events. If they may not fit, and nothing may be dropped, attach() makes a Scan of base instead: to be read to its
  /// end before the cursor. It does the same, from `stands` on, for a consumer that may have handled some of them. Null
  /// otherwise.
  std::unique_ptr<Scan> take_unclaimed_scan() { return std::exchange(unclaimed_scan_, nullptr); }
  /// Removes the cursor, and frees what it held. Unless `reason` is empty, `owed` events are counted as dropped for
  /// that reason, by topic: those that broken links handed back to the cursor, and those from the cursor on.
  void detach(Cursor& cursor, std::uint64_t owed, std::string_view reason);
  /// One cursor is attached.
  bool has_one_reader() const { return readers_ == 1; }
  /// Removes the last cursor, and leaves the `owed` events that it has not acknowledged to the next subscription of the
  /// same selection: they are unclaimed again. Counts them as dropped if that one has another selection. Requires:
  /// has_one_reader(), and nothing of the view is in flight or handed back.
  void hand_on(Cursor& cursor, std::uint64_t owed);
  /// For a consumer that stands at `stands`: of the batch that the cursor, which is new, stands in, everything behind
  /// that place is still to come, though somebody else has handled it. What is not there any more is a gap.
  static void go_back_in_batch(Cursor& cursor, const Place& stands);
  /// Frees what no cursor of the view holds any more. To be called after a cursor's `held` has moved.
  void release(View& view);

  /// Puts the cursor at the next event of base, for an identity that is expected: from now on all events are held.
  void expect(Cursor& cursor);
  /// Ends that.
  void forget(Cursor& cursor);
  /// Reads what `selection` selects from position `from` on, without the first `skip` events of that, up to where the
  /// cursor stands: of what is kept.
  std::unique_ptr<Scan> scan(const Cursor& cursor, std::uint64_t from, std::uint64_t skip);
  /// From now on the scan holds what it has not read, unless some of that is in the cache already.
  void hold(Scan& scan) {
    lane_ = nullptr;
    if (scan.next().item >= base_.log.floor()) scan.hold();
  }
  /// The scan does not need what lies before `item` of base any more.
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
  /// How many events are unclaimed, and the position of the first.
  std::uint64_t unclaimed() const;
  std::uint64_t unclaimed_from() const { return begin_of(handed_on_ ? handed_on_->cursor : unclaimed_); }
  /// The position of the first event that the cursor has not read.
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

  /// Whether memory became free since this was last asked: then those that wait for room should try again.
  bool take_freed() { return std::exchange(freed_, false); }
  void record_freeable() { freed_ = true; }
  /// Whether memory will become free when a pin on it is released: call reclaim() then.
  bool awaiting_release() const { return pool_.awaiting_release(); }
  void reclaim();

 private:
  using Takers = TopicIndex<View>::Takers;
  /// What an event's provenance may add to its bytes: it may begin a batch of its own.
  static constexpr std::size_t most_of_provenance = max_step_bytes + origin_header_bytes;

  /// The view of a selection, and what of it is for the next subscription that has the same.
  struct HandedOn {
    std::unique_ptr<View> view;
    Cursor cursor;
    std::uint64_t owed;
  };

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
  void list(View& view);
  std::unique_ptr<View> unlist(View& view);
  void begin_unclaimed();
  bool take_up_handed_on(Cursor& cursor, const Selection& selection);
  void drop_handed_on(std::string_view reason);
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
  std::optional<HandedOn> handed_on_;     // none while anybody reads anything
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
