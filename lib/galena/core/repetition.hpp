// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "galena/core/batch.hpp"
#include "galena/core/message.hpp"
#include "galena/core/seen.hpp"
#include "galena/core/standing.hpp"

namespace galena::core {

/// Says of each event and gap that comes over one link whether the subscription has had it before: over an earlier link
/// of the same stream, or as the output of another relay that had the same input.
///
/// Where it knows from:
///   - what was handled: Seen, which names a place in each stream;
///   - what may have been handled: the `repeated` place of the Accept, and the flag of a batch;
///   - what was told: the last gap of the Standing that the link before left.
class Repetition {
 public:
  enum class Verdict : std::uint8_t {
    fresh,     ///< it comes for the first time
    doubtful,  ///< it may have been handled before: the handler gets it, marked as repeated
    handled,   ///< it was handled before: the handler must not get it again
  };

  /// `seen` may be null: then no event is known to be handled. It outlives this.
  explicit Repetition(Seen* seen) : seen_(seen) {}

  /// The link is accepted. `previous` is where the link before ended; empty for the first link. `remembers`: the
  /// consumer itself keeps what was handled, so the publisher's `repeated` place is not needed.
  void handle_accept(const Accept& accept, const std::optional<Standing>& previous, bool remembers);

  /// The events that follow are those of this batch of `stream`.
  void begin_batch(const BatchHeader& header, const Id& stream);
  /// All events of the batch were judged, and are handled. `numbers`: how many selected events lie between the batch's
  /// `from` and its end. (A batch may come in several parts; those that came before count.)
  void end_batch(std::uint64_t numbers);
  /// Whether judge() must be asked of the events of this batch. If not, all of them are fresh.
  bool must_judge() const { return must_judge_; }
  /// To be asked of each event of the batch in turn, if must_judge(). `number` counts the selected events from the
  /// batch's `from` on, beginning with 0. `step` is that field of the event; 0 in a batch without origins.
  Verdict judge(std::uint64_t number, std::uint32_t step);
  /// The event that was judged last is handled. (Without an origin nothing needs to be recorded: the place says it.)
  void record_handled() {
    if (origin_ && seen_ != nullptr) seen_->record(origin_);
  }
  /// The publisher has said that no event below `place` follows. If Seen has something of this stream, it has
  /// everything below `place` from now on.
  void handle_mark(const Place& place) {
    if (seen_ != nullptr && seen_->place(place.stream) != nullptr) seen_->record(place);
  }
  /// Everything below `place` is handled.
  void record_handled(const Place& place) {
    if (seen_ != nullptr) seen_->record(place);
  }

  /// The part of the gap that the subscription was not told before; empty if there is none. `events_came`: events have
  /// come over this link already. (A gap before them may have events that were handled in another stream.)
  std::optional<Gap> news_of(const Gap& gap, bool events_came);

  const Standing::ToldGap& told() const { return told_; }
  /// Events below this place may have been handled, by an earlier consumer with the same identity.
  const std::optional<Place>& repeated() const { return repeated_; }
  /// See Standing::doubtful.
  bool doubtful() const { return doubtful_; }

 private:
  Seen* seen_;
  // Of the link:
  std::optional<Place> repeated_;
  Standing::ToldGap told_;         // over this link and those before
  Standing::ToldGap told_before_;  // over those before
  bool stands_as_before_ = false;  // the link begins exactly where the one before ended
  bool other_stream_ = false;      // the link before was in another stream
  bool doubtful_ = false;
  std::uint64_t doubtful_left_ = 0;  // so many events of the batches to come may have been handled
  // Of the batch:
  BatchHeader batch_;
  Id stream_;
  bool must_judge_ = false;
  std::uint64_t handled_below_ = 0;   // events with a lower number were handled
  std::uint64_t doubtful_below_ = 0;  // and these may have been
  Origin next_origin_;                // of its first event, until that is judged
  Origin origin_;                     // of the event that was judged last; none in a batch without
};

}  // namespace galena::core
