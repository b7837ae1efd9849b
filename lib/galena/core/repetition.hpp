// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "galena/core/batch.hpp"
#include "galena/core/message.hpp"
#include "galena/core/seen.hpp"
#include "galena/core/standing.hpp"

namespace galena::core {

/// Says of the events and gaps that come over one link whether the subscription has had them before: over an earlier
/// link, in the stream itself or in what another relay made of the same input.
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

  /// The link is accepted. `previous` is where the subscription stood, if it stood anywhere. `remembers`: the consumer
  /// itself knows what was handled, so what the publisher sent before is no reason to doubt.
  void handle_accept(const Accept& accept, const std::optional<Standing>& previous, bool remembers);

  /// The events that follow are those of this batch of `stream`.
  void begin_batch(const BatchHeader& header, const Id& stream);
  /// All events of the batch were judged, and are handled. `numbers`: so many events were selected of its positions,
  /// those of the parts that came before it included.
  void end_batch(std::uint64_t numbers);
  /// Some event of the batch needs judge(). Else all of them are fresh.
  bool must_judge() const { return must_judge_; }
  /// To be asked of each event of the batch in turn, if it must_judge(). `number` counts, from 0, what is selected from
  /// the batch's `from` on; `step` is the event's own, in a batch with origins.
  Verdict judge(std::uint64_t number, std::uint32_t step);
  /// The event that was judged last is handled.
  void record_handled() {
    if (origin_ && seen_ != nullptr) seen_->record(origin_);
  }
  /// Nothing more comes from below `place`, so what Seen has of the batch before it is over.
  void handle_mark(const Place& place) {
    if (seen_ != nullptr && seen_->place(place.stream) != nullptr) seen_->record(place);
  }
  /// Everything below `place` is handled.
  void record_handled(const Place& place) {
    if (seen_ != nullptr) seen_->record(place);
  }

  /// What the gap tells that the subscription was not told before. Empty if nothing. `events_came`: over this link.
  std::optional<Gap> news_of(const Gap& gap, bool events_came);

  const Standing::ToldGap& told() const { return told_; }
  /// What lies below may have been handled by whoever had the identity before.
  const std::optional<Place>& repeated() const { return repeated_; }

 private:
  Seen* seen_;
  // Of the link:
  std::optional<Place> repeated_;
  Standing::ToldGap told_;           // over this link and those before
  Standing::ToldGap told_before_;    // over those before
  bool stands_as_before_ = false;    // the link begins exactly where the one before ended
  bool other_stream_ = false;        // the link before was in another stream
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
