// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "galena/base/assert.hpp"
#include "galena/core/allowance.hpp"
#include "galena/core/batch.hpp"
#include "galena/core/log.hpp"
#include "galena/core/message.hpp"
#include "galena/core/repetition.hpp"
#include "galena/core/seen.hpp"
#include "galena/core/standing.hpp"
#include "galena/id.hpp"
#include "galena/time.hpp"

namespace galena::core {

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
        if (!repetition_.must_judge() || admit(event)) return true;
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
    if (repetition_.must_judge()) [[unlikely]] {
      repetition_.record_handled();
    }
    count_handled(1);
  }
  /// What is to be said of what is made of the event that next() gave.
  Provenance provenance(const EventView& event) const;
  /// With acknowledge_later: the first `deliveries` of this link are done with for good.
  void acknowledge(std::uint64_t deliveries);
  /// No more credit: what was granted may still come.
  void stop_granting() {
    allowance_.stop();
    attention_ = true;
  }
  /// All that was handled so far, for those who come after this link.
  void record_seen();
  /// take_grant() or take_gaps() may have something. Cheap: to be asked after each event.
  bool attention() const { return attention_; }

  /// All that has arrived has been handled, and nothing is left to be received.
  void note_idle(Time now) { allowance_.handle_idle(received_bytes_, now); }
  /// The most that may be on its way or waiting, in bytes.
  std::uint64_t window_bytes() const { return allowance_.window_bytes(); }
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

  bool accepted() const { return place_.stream != Id{}; }
  /// Events handled so far on this link.
  std::uint64_t handled_events() const { return handled_; }
  /// Where it stands now: behind all that was handled.
  Place place() const;
  Standing standing() const;
  const Options& options() const { return options_; }

 private:
  enum class State : std::uint8_t {
    asked,    // nothing is accepted: there is no place, and no event has come
    open,     // accepted, and no frame is being read
    reading,  // next() has not come to the end of a frame
    ended,    // the publisher said that nothing follows
    failed,   // failure() says why
  };

  void enter(State state);
  Input accept(const Accept& message);
  void tell_between(const Standing& previous);
  bool admit(EventView& event);
  std::uint64_t number() const;
  bool next_batch(EventView& event);
  bool find_batch();
  bool open_batch();
  void close_batch();
  void finish_upto(std::uint64_t upto);
  Input fail(std::string_view why, std::string detail);
  std::uint64_t done() const { return options_.acknowledge_later ? acknowledgeable_ : handled_; }
  Credit handled_credit() const { return {handled_, finished_bytes_ + batch_bytes_ - events_.rest().size()}; }
  bool credit_due(bool idle) const;
  void count_handled(std::uint64_t events) {
    handled_ += events;
    if (handled_ >= allowance_.refill_at_events()) attention_ = true;
  }
  void record_gap(Gap gap);

  Options options_;
  State state_ = State::asked;
  Place place_;  // before the first event of the batch that is being read
  Repetition repetition_;
  Allowance allowance_;
  Cancel failure_;
  std::vector<Gap> gaps_;
  bool attention_ = false;

  std::string_view frame_;  // what follows the batch that is being read
  EventReader events_;      // what is left of that batch
  std::uint32_t left_ = 0;  // events of it
  BatchHeader batch_;
  std::uint64_t batch_bytes_ = 0;
  std::size_t header_bytes_ = 0;      // of its header, as it came
  bool readable_ = false;             // all of it, as whole_batch() found
  std::uint64_t finished_bytes_ = 0;  // of the batches before it

  std::uint64_t received_ = 0;
  std::uint64_t received_bytes_ = 0;
  std::uint64_t handled_ = 0;
  std::uint64_t acknowledgeable_ = 0;  // with acknowledge_later: what acknowledge() said
  std::uint64_t acknowledged_ = 0;     // what the last grant said
  std::uint64_t passed_over_ = 0;
  std::optional<std::uint64_t> draining_upto_;

  Time heard_;
  Time told_;
  Duration peer_silence_;
};

}  // namespace galena::core
