// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "galena/core/batch.hpp"
#include "galena/core/log.hpp"
#include "galena/core/message.hpp"
#include "galena/core/seen.hpp"
#include "galena/core/standing.hpp"
#include "galena/core/window.hpp"
#include "galena/id.hpp"
#include "galena/time.hpp"

namespace galena::core {

/// How much a subscription asks for: never more than `max` is on its way or waiting, and when `min_events` or fewer (or
/// half of the bytes) are left of what was asked, it is asked up to `max` again. The numbers are GenStage's max_demand
/// and min_demand; it has no bound in bytes.
struct Demand {
  std::uint64_t max_events = 1 << 20;
  std::uint64_t min_events = 1 << 19;
  std::uint64_t max_bytes = 2 << 20;
  std::uint64_t most_bytes = 0;  ///< if it is more, `max_bytes` is where a Window starts, and this how far it grows
};

/// The subscribing half of one link: reads what comes, hands out its events one by one, and grants credit for more as
/// they are handled. Pure: it is given frames and the time, and asked what to say. One Inlet is one epoch: a link that
/// breaks is followed by another one, which is given the Standing of the one before and tells what lies between as a
/// gap.
class Inlet {
 public:
  struct Options {
    Id stage = {};  ///< whom it expects; none: whoever answers
    Id subscription = {};
    std::uint64_t epoch = 1;
    std::string identity = {};
    std::string consumer = {};  ///< the name of the subscribing stage, for people
    Id consumer_stage = {};     ///< and its id
    Selection selection = {};
    Demand demand = {};
    Duration silence = std::chrono::seconds(10);
    std::optional<Standing> previous = {};
    /// `previous` is exactly what was handled. Else more may have been, so what was sent before is marked.
    bool exact = true;
    /// Handled is not acknowledged: acknowledge() says what is.
    bool acknowledge_later = false;
    /// What was handled over the links before, and now: it is passed over. None: nothing comes twice, or all of it is
    /// wanted. It outlives the Inlet.
    Seen* seen = nullptr;
  };
  /// So many gaps are kept apart until take_gaps() is called; then the last one grows.
  static constexpr std::size_t max_gaps = 64;
  enum class Input : std::uint8_t {
    accepted,   ///< the subscription stands
    events,     ///< next() has some; the frame must stay where it is until next() said false
    nothing,    ///< a heartbeat, or a gap: see take_gaps()
    ended,      ///< the stream is over, on purpose
    cancelled,  ///< the link is over: see failure()
    malformed,  ///< the link is over, and the peer should be told farewell(): see failure()
  };

  Inlet(Options options, Time now);

  /// The first message to send.
  std::string hello() const;
  /// A frame has come.
  Input handle(std::string_view frame, Time now);

  /// The next event of the frame, as views into it. False if there is none left, or if what follows is not readable,
  /// which failure() tells.
  bool next(EventView& event) {
    while (left_ > 0 && events_.next(event)) [[likely]] {
        --left_;
        if (!special_ || admit(event)) return true;
      }
    return next_batch(event);
  }
  /// The batch that next() would read from, if nothing of it was read yet, all of it is readable and nothing is to be
  /// said of its events; it begins with a header of batch_header_bytes. For those who pass on all of it.
  struct WholeBatch {
    std::string_view bytes;
    std::uint32_t count = 0;
  };
  std::optional<WholeBatch> whole_batch();
  /// All of it was handled at once.
  void handled_whole();
  /// The handler has returned for the event that next() gave.
  void handled() {
    if (special_ && origin_ && options_.seen != nullptr) [[unlikely]] {
      options_.seen->record(origin_);
    }
    if (++handled_ >= grant_at_) attention_ = true;
  }
  /// Of the event that next() gave: its number in the stream, unless the batch leaves out events and does not say
  /// which.
  std::optional<std::uint64_t> position() const;
  /// What is to be said of what is made of the event that next() gave.
  Provenance provenance(const EventView& event) const;
  /// With acknowledge_later: the first `deliveries` of this link are done with for good.
  void acknowledge(std::uint64_t deliveries);
  /// No more credit: what was granted may still come.
  void stop_granting() {
    granting_ = false;
    attention_ = true;
  }
  /// All that was handled so far, for those who come after this link.
  void record_seen();
  /// take_grant() or take_gaps() may have something. Cheap: to be asked after each event.
  bool attention() const { return attention_; }

  /// All that has arrived has been handled, and nothing is left to be received.
  void note_idle(Time now) { window_.note_idle(received_bytes_, now); }
  /// The most that may be on its way or waiting, in bytes.
  std::uint64_t window_bytes() const { return window_.bytes(); }
  /// take_grant() would have one.
  bool grant_waits(bool idle) const;
  /// A grant to send, if one is due. `idle`: nothing has been received that is not handled; then everything handled is
  /// acknowledged at once, because the publisher may be waiting for just that.
  std::optional<std::string> take_grant(bool idle, Time now);
  /// The last grant again, if this side has said nothing for a quarter of its silence.
  std::optional<std::string> take_heartbeat(Time now);
  /// What was not and will not be delivered, since last asked.
  std::vector<Gap> take_gaps();

  /// The publisher has said nothing for longer than it said it would (or has not accepted for so long).
  bool silent(Time now) const { return now - heard_ > peer_silence_; }
  /// This side was busy and has not been listening: what the publisher may have said waits unread.
  void note_busy(Time now) { heard_ = now; }
  std::string farewell() const;
  /// Why the link is over; the reason is empty while it is not.
  const Cancel& failure() const { return failure_; }

  /// Repetitions that were passed over.
  std::uint64_t passed_over() const { return passed_over_; }
  /// The publisher takes nothing in any more, and ends below this position.
  std::optional<std::uint64_t> draining_upto() const { return draining_upto_; }

  bool accepted() const { return standing_.place.stream != Id{}; }
  /// Events handled so far on this link.
  std::uint64_t handled_events() const { return handled_; }
  /// Where it stands now: behind all that was handled.
  Place place() const;
  Standing standing() const;
  const Options& options() const { return options_; }

 private:
  Input accept(const Accept& message);
  void take_gap(const Gap& gap);
  bool admit(EventView& event);
  void mark_batch();
  std::uint64_t index() const;
  bool next_batch(EventView& event);
  bool find_batch();
  bool open_batch();
  void finish_upto(std::uint64_t upto);
  Input fail(std::string_view why, std::string detail);
  std::uint64_t done() const;
  bool credit_due(bool idle) const;
  bool grant_due() const { return handled_ >= grant_at_ || handled_bytes() >= grant_at_bytes_; }
  std::uint64_t handled_bytes() const { return finished_bytes_ + batch_bytes_ - events_.rest().size(); }
  void note_gap(Gap gap);

  Options options_;
  Standing standing_;  // its place: of the batch being read, the events before the first one of that
  Cancel failure_;
  std::vector<Gap> gaps_;
  bool attention_ = false;

  std::string_view frame_;  // what follows the batch that is being read
  EventReader events_;      // what is left of that batch
  std::uint32_t left_ = 0;  // events of it
  BatchHeader batch_;
  bool special_ = false;      // its events are to be looked at by admit()
  std::uint64_t marked_ = 0;  // so many of the batch may be repetitions
  bool seen_before_ = false;  // some of the batch may have been handled over links before
  Origin origin_;             // of the event being handled, in a batch that tells origins
  std::uint64_t batch_bytes_ = 0;
  std::size_t header_bytes_ = 0;      // of its header, as it came
  bool readable_ = false;             // all of it, as whole_batch() found
  std::uint64_t finished_bytes_ = 0;  // of the batches before it

  std::uint64_t received_ = 0;
  std::uint64_t received_bytes_ = 0;
  std::uint64_t handled_ = 0;
  std::uint64_t grant_at_ = 0;  // so many handled: a grant is due
  std::uint64_t grant_at_bytes_ = 0;
  std::uint64_t acknowledged_ = 0;  // what the last grant said
  std::uint64_t settled_ = 0;       // what acknowledge() said
  bool granting_ = true;
  bool resumed_ = false;  // the publisher goes on just behind `previous`
  std::uint64_t passed_over_ = 0;
  std::optional<std::uint64_t> draining_upto_;
  Credit limit_;
  Window window_;

  Time heard_;
  Time told_;
  Duration peer_silence_;
};

}  // namespace galena::core
