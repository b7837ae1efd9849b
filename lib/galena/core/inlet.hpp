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

/// The subscribing half of one link. It reads frames, hands out their events one by one, and grants credit for more as
/// the events are handled. It has no socket and no clock: it is given frames and the time, and asked what to send.
///
/// One Inlet is one link. When the link breaks, its standing() is given to the Inlet of the next link, which tells as a
/// gap what lies between the two.
class Inlet {
 public:
  struct Options {
    Id stage = {};  ///< the stage that must answer; none: any stage may
    Id subscription = {};
    std::uint64_t epoch = 1;
    std::string identity = {};
    std::string consumer = {};  ///< the name of the subscribing stage, for people
    Id consumer_stage = {};     ///< and its id
    Selection selection = {};
    Demand demand = {};
    Duration silence = std::chrono::seconds(10);
    std::uint64_t largest_event = no_largest_event;  ///< it takes no larger one: topic and payload
    std::optional<Standing> previous = {};           ///< where the link before ended, if there was one
    /// True: the consumer has handled what lies below `previous`, and nothing else. False: it may have handled more, so
    /// events that the publisher sent before are marked as repeated.
    bool exact = true;
    /// False: a grant acknowledges what is handled. True: it acknowledges what acknowledge() said.
    bool acknowledge_later = false;
    /// What the subscription has handled over all its links: these events are not handed out again. It outlives the
    /// Inlet. Null: every event is handed out.
    Seen* seen = nullptr;
  };
  /// So many gaps are kept apart until poll_gaps() is called. A gap beyond that is merged into the last one.
  static constexpr std::size_t max_gaps = 64;
  enum class Input : std::uint8_t {
    accepted,   ///< the subscription stands
    events,     ///< next() has some; the frame's memory must stay until next() returned false
    nothing,    ///< a mark, draining, or a gap: see poll_gaps()
    ended,      ///< the publisher has ended the stream on purpose
    cancelled,  ///< the publisher has ended the link: failure() says why
    malformed,  ///< this side ends the link: failure() says why, and farewell() is to be sent
  };

  Inlet(Options options, Time now);

  /// The first message to send: Subscribe.
  std::string hello() const;
  /// A frame has come. Requires: next() returned false for the frame before.
  Input handle(std::string_view frame, Time now);

  /// Hands out the next event of the frame, as views into it. Returns false at the end of the frame, and where the
  /// frame is broken: then failure() says so.
  bool next(EventView& event) {
    while (left_ > 0 && events_.next(event)) [[likely]] {
        --left_;
        if (!repetition_.must_judge() || admit(event)) return true;
      }
    return next_batch(event);
  }
  /// Fast path of a relay that passes on everything: the batch that next() would read, as bytes. Empty unless no event
  /// was read from it yet, all of its events can be read, all of them are fresh (see Repetition), and its header has
  /// exactly batch_header_bytes.
  struct WholeBatch {
    std::string_view bytes;
    std::uint32_t count = 0;
  };
  std::optional<WholeBatch> whole_batch();
  /// All events of whole_batch() are handled.
  void handled_whole();
  /// The handler has returned for the event that next() gave.
  void handled() {
    if (repetition_.must_judge()) [[unlikely]] {
      repetition_.record_handled();
    }
    count_handled(1);
  }
  /// Of the event that next() gave: its number in the stream, unless the batch leaves out events and does not say
  /// which.
  std::optional<std::uint64_t> position() const;
  /// What a relay must publish beside the events that it makes of the event that next() gave.
  Provenance provenance(const EventView& event) const;
  /// With acknowledge_later: the first `deliveries` of this link may be acknowledged.
  /// Requires: they are handled.
  void acknowledge(std::uint64_t deliveries);
  /// Grants no more credit. What was granted already may still come.
  void stop_granting() {
    allowance_.stop();
    attention_ = true;
  }
  /// Records in Options::seen what was handled so far, for the links that follow.
  void record_seen();
  /// poll_grant() or poll_gaps() may have something. Cheap enough to be asked after each event.
  bool attention() const { return attention_; }

  /// All that arrived is handled, and the socket has nothing more.
  void handle_idle(Time now) { allowance_.handle_idle(received_bytes_, now); }
  /// The most that may be on its way or waiting, in bytes.
  std::uint64_t window_bytes() const { return allowance_.window_bytes(); }
  /// poll_grant() would return one.
  bool grant_waits(bool idle) const;
  /// A grant to send, if one is due. `idle`: everything that was received is handled. Then everything is acknowledged
  /// at once, because the publisher may be waiting for just that acknowledgement.
  std::optional<std::string> poll_grant(bool idle, Time now);
  /// The last grant again, as a heartbeat, if this side has sent nothing for a quarter of its silence.
  std::optional<std::string> poll_heartbeat(Time now);
  /// The gaps that are new since the last call: events that will not be delivered.
  std::vector<Gap> poll_gaps();

  /// The publisher has been silent for longer than it announced in its Accept. Before the Accept, Options::silence
  /// counts.
  bool silent(Time now) const { return now - heard_ > peer_silence_; }
  /// This side was too busy to read. The publisher may have spoken meanwhile, so its silence counts from now.
  void handle_busy(Time now) { heard_ = now; }
  /// The Cancel to send after Input::malformed.
  std::string farewell() const;
  /// Why the link is over. Its reason is empty until then.
  const Cancel& failure() const { return failure_; }

  /// Events of this link that were not handed out, because they were handled before.
  std::uint64_t passed_over() const { return passed_over_; }
  /// Set when the publisher drains: it accepts no more events, and its stream will end at this position.
  std::optional<std::uint64_t> draining_upto() const { return draining_upto_; }

  bool accepted() const { return place_.stream != Id{}; }
  /// Events handled so far on this link.
  std::uint64_t handled_events() const { return handled_; }
  /// The place behind everything that was handled.
  Place place() const;
  /// What the Inlet of the next link needs to go on.
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
  bool number_counts() const;
  bool next_batch(EventView& event);
  bool find_batch();
  bool is_granted(const BatchHeader& header) const;
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
  /// The positions of the last batch with events; `is_part`: the rest of it may follow, behind its first `events`.
  struct Covered {
    std::uint64_t from = 0;
    std::uint64_t upto = 0;
    bool is_part = false;
    std::uint64_t events = 0;
  } covered_;
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
