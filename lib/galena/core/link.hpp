// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "galena/base/assert.hpp"
#include "galena/core/message.hpp"
#include "galena/core/scan.hpp"
#include "galena/core/view.hpp"
#include "galena/time.hpp"

namespace galena::core {

/// One subscription: a cursor, and the ledger of the credit of its connection. Deliveries and bytes are counted from
/// the start of that; a connection that follows it starts anew.
///
/// Invariant: acknowledged <= sent.events <= limit.events; flights cover (acknowledged, sent.events].
class Link {
 public:
  /// A frame that is not acknowledged: deliveries (first, upto], beginning `skipped` events into item `item` of its
  /// view's log; or, if it is a piece of a scan, there in base and behind `passed` selected events more.
  struct Flight {
    std::uint64_t first = 0;
    Credit upto = {};
    std::uint64_t begin = 0;  ///< the position, of a piece of a scan
    std::uint64_t item = 0;
    std::uint64_t skipped = 0;
    std::uint64_t passed = 0;
    std::uint64_t position = 0;  ///< where that item begins, of its view's log; where a piece of a scan ends
    bool scanned = false;
  };

  Link(std::string at, const Subscribe& subscribe, const Id& stream, std::uint64_t max_in_flight, Time now)
      : identity(subscribe.identity),
        consumer(subscribe.consumer),
        consumer_stage(subscribe.consumer_stage),
        sent_before{.stream = stream},
        max_in_flight_bytes_(max_in_flight) {
    start(std::move(at), subscribe, now);
  }

  /// The connection is over. The cursor goes back to the first event that is not acknowledged, and still there.
  void break_off() {
    sent_before = std::max(sent_before, place());
    go_back();
    if (!flights_.empty() && flights_.front().scanned) {
      const Flight& first = flights_.front();
      std::uint64_t unread = 0;  // they are found again
      for (const Flight& flight : flights_) unread += flight.scanned ? flight.upto.events - flight.first : 0;
      scan_selected_ -= unread - (acknowledged_.events - first.first);
      scan->go_back({first.item, first.skipped, first.begin}, first.passed + acknowledged_.events - first.first);
    }
    done_before_ += acknowledged_.events;
    sent_ = limit_ = acknowledged_ = {};
    flights_.clear();
  }
  /// Its consumer stands before the events of its next item that were acknowledged: those are wanted again, if they are
  /// there.
  void go_back_within(std::uint64_t events) {
    if (scan && !scan->finished()) return;
    const std::uint64_t again = cursor.events - std::min<std::uint64_t>(cursor.events, events);
    done_before_ -= std::min(done_before_, again);
    cursor.go_back(cursor.item, events);
  }
  /// It is taken up again, over another connection, and has handled `passed` events more than was known.
  void resume(std::string at, const Subscribe& subscribe, std::uint64_t passed, Time now) {
    consumer = subscribe.consumer;
    consumer_stage = subscribe.consumer_stage;
    away_since.reset();
    unconfirmed_after_ = 0;
    if (subscribe.subscription != subscription) done_by_others_ = done_before_;
    done_before_ += passed;
    start(std::move(at), subscribe, now);
  }

  /// Deliveries that may still start.
  std::uint64_t events_left() const { return limit_.events - sent_.events; }
  /// Another event may start, whatever its size.
  bool may_send() const { return sent_.events < limit_.events && sent_.bytes < byte_limit(); }
  std::uint64_t byte_limit() const { return std::min(limit_.bytes, acknowledged_.bytes + max_in_flight_bytes_); }
  /// Half of what the consumer lets be in flight is free again (so a grant is due soon if it is not).
  bool half_open() const {
    return events_left() >= (window_.events + 1) / 2 &&
           byte_limit() - std::min(byte_limit(), sent_.bytes) >= window_.bytes / 2;
  }

  /// A frame of `events` with `bytes` of them has been sent; it began `skipped` events into `item`.
  void note_sent(std::uint64_t events, std::uint64_t bytes, std::uint64_t item, std::uint64_t skipped) {
    note_flight(events, bytes, {.item = item, .skipped = skipped, .position = cursor.view->log.at(item).from});
  }
  /// A piece of the scan has been sent.
  void note_sent(const Scan::Piece& piece) {
    scan_selected_ += piece.events;
    note_flight(piece.events, piece.bytes,
                {.begin = piece.begin.position,
                 .item = piece.begin.item,
                 .skipped = piece.begin.events,
                 .passed = piece.passed,
                 .position = scan->told(),
                 .scanned = true});
  }

  /// A gap has been told. Until something that was sent after it is acknowledged, nobody knows that it arrived.
  void note_told(const Gap& gap) {
    unconfirmed_after_ = sent_.events;
    if (!unconfirmed_) {
      unconfirmed_ = gap;
      return;
    }
    unconfirmed_->from = std::min(unconfirmed_->from, gap.from);
    unconfirmed_->upto = std::max(unconfirmed_->upto, gap.upto);
    const bool known = unconfirmed_->count && gap.count;
    unconfirmed_->count = known ? std::optional(*unconfirmed_->count + *gap.count) : std::nullopt;
  }
  /// To be told again to whoever takes it up; who knows of it passes it over.
  const std::optional<Gap>& unconfirmed_gap() const { return unconfirmed_; }

  /// False if that much was never sent.
  bool handle_grant(const Grant& grant) {
    if (grant.acknowledged > sent_.events) return false;
    acknowledged_.events = std::max(acknowledged_.events, grant.acknowledged);
    if (acknowledged_.events > unconfirmed_after_) unconfirmed_.reset();
    while (!flights_.empty() && flights_.front().upto.events <= acknowledged_.events) {
      acknowledged_.bytes = flights_.front().upto.bytes;
      if (flights_.front().scanned) scan_acknowledged_upto_ = flights_.front().position;
      flights_.pop_front();
    }
    raise_limit(grant.limit);
    return true;
  }

  /// The first item of the view that is still needed for what is in flight or not sent.
  std::uint64_t needed_from() const {
    const Flight* flight = first_of_view();
    return flight == nullptr ? cursor.item : flight->item;
  }
  /// How many events of that item are done with all the same.
  std::uint64_t done_of_needed() const {
    const Flight* flight = first_of_view();
    if (flight == nullptr) return cursor.events;
    return flight->skipped + std::max(acknowledged_.events, flight->first) - flight->first;
  }
  /// The first item of base that the scan still needs.
  std::uint64_t scan_needed_from() const {
    return !flights_.empty() && flights_.front().scanned ? flights_.front().item : scan->next().item;
  }
  /// All of the scan has been sent, and acknowledged.
  bool scan_is_done() const { return scan->finished() && (flights_.empty() || !flights_.front().scanned); }

  /// Where it stands: what it is sent next lies behind this.
  Place place() const {
    const Id& stream = sent_before.stream;
    if (scan && !scan->finished()) return {stream, scan->told(), scan->skip()};
    const Log& log = cursor.view->log;
    const bool inside = !cursor.gap && cursor.item < log.end() && !log.at(cursor.item).is_gap();
    return {stream, cursor.position(), inside ? cursor.events : 0};
  }
  /// Behind this position, and up to where it stands, nothing that a scan found is acknowledged.
  std::uint64_t scan_acknowledged_upto() const { return scan_acknowledged_upto_; }
  /// Everything that it selects below this position is acknowledged, or told as lost.
  std::uint64_t settled_upto() const {
    if (scan && !scan_is_done()) return 0;
    // What is in flight may have made room: it is not in the log any more.
    if (const Flight* flight = first_of_view()) return flight->position;
    const Log& log = cursor.view->log;
    return cursor.item < log.end() ? log.at(cursor.item).from : log.covered();
  }
  /// It has been sent all there is, and has acknowledged it.
  bool idle() const { return flights_.empty() && !(scan && !scan->finished()) && cursor.at_end() && !cursor.gap; }

  /// Selected since it subscribed, over all its connections.
  std::uint64_t selected() const { return cursor.selected() + scan_selected_; }
  /// Selected, and neither acknowledged nor told to be dropped.
  std::uint64_t owed() const { return selected() - cursor.dropped - acknowledged(); }
  /// Of these, some were by who has it now: that one knows where it stands.
  bool holder_acknowledged() const { return acknowledged() > done_by_others_; }
  std::uint64_t in_flight() const { return sent_.events - acknowledged_.events; }

  const Credit& sent() const { return sent_; }
  /// Since it subscribed, over all its connections.
  std::uint64_t acknowledged() const { return done_before_ + acknowledged_.events; }
  /// Of these, the consumer works on one or has it waiting, as far as it has said.
  std::size_t frames_in_flight() const { return std::min(unhandled_, flights_.size()); }

  Id subscription;  ///< of who has it now
  const std::string identity;
  std::string consumer;
  Id consumer_stage;
  std::string peer;
  std::uint64_t epoch = 0;
  Duration silence{};  ///< the longest the other side says it will be silent
  Time heard;
  Time told;
  std::optional<Time> away_since = {};  ///< its connection is over, and its place is held
  Place sent_before;                    ///< over connections that are over, it was sent what lies below
  std::uint64_t lost = 0;               ///< events that were told as a gap when it was taken up again
  Cursor cursor;
  std::unique_ptr<Scan> scan = {};  ///< what comes before the cursor

 private:
  void start(std::string at, const Subscribe& subscribe, Time now) {
    peer = std::move(at);
    subscription = subscribe.subscription;
    epoch = subscribe.epoch;
    silence = sane_silence(subscribe.silence);
    heard = told = now;
    unhandled_ = 0;
    window_ = {subscribe.credit.events, std::min(subscribe.credit.bytes, max_in_flight_bytes_)};
    raise_limit(subscribe.credit);
  }

  void note_flight(std::uint64_t events, std::uint64_t bytes, Flight flight) {
    flight.first = sent_.events;
    sent_.events += events;
    sent_.bytes += bytes;
    GALENA_ASSERT(sent_.events <= limit_.events, "more was sent than was granted");
    flight.upto = sent_;
    flights_.push_back(flight);
    ++unhandled_;
  }

  /// What the limit says of what is handled: a consumer that acknowledges late grants all the same as it works.
  void raise_limit(const Credit& limit) {
    limit_.events = std::max(limit_.events, limit.events);
    limit_.bytes = std::max(limit_.bytes, limit.bytes);
    const std::uint64_t handled =
        std::max(acknowledged_.events, limit_.events - std::min(limit_.events, window_.events));
    unhandled_ = std::min(unhandled_, flights_.size());
    while (unhandled_ > 0 && flights_[flights_.size() - unhandled_].upto.events <= handled) --unhandled_;
  }

  /// What was in flight and made room for newer events cannot be sent again: that is a gap by now, and nobody knows how
  /// much of it was handled.
  void go_back() {
    const Flight* first = first_of_view();
    if (first == nullptr) return;  // it stays where it is, with what it knows of a gap there
    const View& view = *cursor.view;
    const Log& log = view.log;
    std::uint64_t item = needed_from();
    std::uint64_t done = done_of_needed();
    if (item < cursor.held) {
      item = cursor.held;
      done = 0;
    }
    if (item == log.floor()) done = std::max<std::uint64_t>(done, view.dropped_events);
    const std::uint64_t gone = in_flight_of_view() - sent_from(item, done);
    const bool has_events = item < log.end() && !log.at(item).is_gap();
    if (item < cursor.item) forget_gaps(item);
    if (item < cursor.item || (has_events && done < cursor.events)) cursor.go_back(item, done);
    if (gone == 0) return;
    const bool inside = has_events && done < log.at(item).count;
    const std::uint64_t next = item < log.end() ? log.at(item).from : log.covered();
    cursor.note_gap(first->position, inside ? log.at(item).upto - (log.at(item).count - done) : next, std::nullopt,
                    reason::full);
    cursor.gap->from = std::min(cursor.gap->from, first->position);
    cursor.dropped += gone;
  }
  /// Of the items from this one on: it comes to them again, and counts them again.
  void forget_gaps(std::uint64_t item) {
    const Log& log = cursor.view->log;
    cursor.gap.reset();
    for (; item <= cursor.item && item < log.end(); ++item) {
      const Item& gap = log.at(item);
      if (gap.is_gap() && gap.exact) cursor.dropped -= item < cursor.item ? gap.count : cursor.events;
    }
  }
  /// Events that are not acknowledged, and do not come from a scan.
  std::uint64_t in_flight_of_view() const {
    std::uint64_t events = 0;
    for (const Flight& flight : flights_) {
      if (!flight.scanned) events += flight.upto.events - std::max(flight.first, acknowledged_.events);
    }
    return events;
  }
  /// Events between the `done`-th of `item` and the cursor.
  std::uint64_t sent_from(std::uint64_t item, std::uint64_t done) const {
    const Log& log = cursor.view->log;
    std::uint64_t events = 0;
    for (; item < cursor.item; ++item, done = 0) {
      if (!log.at(item).is_gap()) events += log.at(item).count - done;
    }
    const bool inside = item < log.end() && !log.at(item).is_gap();
    return events + (inside ? cursor.events - std::min<std::uint64_t>(cursor.events, done) : 0);
  }

  const Flight* first_of_view() const {
    const auto it = std::find_if(flights_.begin(), flights_.end(), [](const Flight& at) { return !at.scanned; });
    return it == flights_.end() ? nullptr : &*it;
  }

  std::uint64_t max_in_flight_bytes_;
  std::uint64_t done_before_ = 0;     // events acknowledged over connections that are over
  std::uint64_t done_by_others_ = 0;  // of these, by those who had it before
  std::uint64_t scan_acknowledged_upto_ = 0;
  std::uint64_t scan_selected_ = 0;  // events that scans found
  Credit sent_;
  Credit limit_;
  Credit acknowledged_;
  Credit window_;  // what may be in flight, as the consumer said at first
  std::deque<Flight> flights_;
  std::size_t unhandled_ = 0;  // the last so many of them
  std::optional<Gap> unconfirmed_;
  std::uint64_t unconfirmed_after_ = 0;  // deliveries sent before it was told
};

}  // namespace galena::core
