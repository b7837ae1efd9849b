// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "galena/core/cursor.hpp"
#include "galena/core/gaps.hpp"
#include "galena/core/message.hpp"
#include "galena/core/place.hpp"
#include "galena/core/scan.hpp"
#include "galena/time.hpp"

namespace galena::core {

class Subscription;

/// A frame that is not acknowledged: deliveries (first, upto] of its link.
struct Flight {
  std::uint64_t first = 0;
  Credit upto = {};
  Run run = {};                               ///< which events of the view's log they are
  std::optional<Scan::Stretch> scanned = {};  ///< or, if a scan found them, where in base it did
  Run earliest = {};  ///< of the runs of this frame and those sent after it: what was handed back is sent late
};

/// One connection that carries a subscription: how much its peer allows to be sent, and what is in flight. Deliveries
/// and bytes are counted from the start of the connection.
///
/// Invariant: acknowledged <= sent.events <= limit.events; flights cover (acknowledged, sent.events].
class Link {
 public:
  /// What a grant acknowledged for the first time.
  struct Acknowledged {
    std::uint64_t events = 0;
    std::optional<std::uint64_t> scanned_upto = {};  ///< all that the scan found below this position
  };

  Link(std::string at, Subscription& carried, const Id& stream, const Subscribe& wish, std::uint64_t max_in_flight,
       Time now);

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

  /// A frame has been sent, with `bytes` of events: those of `run`.
  void record_sent(const Run& run, std::uint64_t bytes) { record_flight(run.events, bytes, {.run = run}); }
  /// A piece of the subscription's scan has been sent.
  void record_sent(const Scan::Piece& piece) { record_flight(piece.events, piece.bytes, {.scanned = piece.stretch}); }
  /// A gap has been told. Until something that was sent after it is acknowledged, nobody knows that it arrived.
  void record_told(const Gap& gap) { unheard_.record(gap, sent_.events); }
  /// To be told again over the link that follows this one. A consumer that knows of them ignores them.
  std::vector<Gap> take_unheard_gaps() { return unheard_.take(); }

  /// Empty, and nothing happens, if more is acknowledged than was sent. Else the caller lets the subscription record
  /// it: see Subscription::handle_grant().
  std::optional<Acknowledged> handle_grant(const Grant& grant);

  /// The frames that are not acknowledged, in the order in which they were sent. Of the first one, deliveries up to
  /// acknowledged() are done with all the same.
  const std::deque<Flight>& flights() const { return flights_; }
  /// The earliest run of the view's log that is in flight; null if there is none.
  const Run* first_of_view() const {
    if (scanned_in_flight_ == 0) return flights_.empty() ? nullptr : &flights_.front().earliest;
    const auto it = std::find_if(flights_.begin(), flights_.end(), [](const Flight& at) { return !at.scanned; });
    return it == flights_.end() ? nullptr : &it->earliest;
  }
  /// The first of them that comes from a scan; null if there is none.
  const Flight* first_scanned() const {
    if (scanned_in_flight_ == 0) return nullptr;
    return &*std::find_if(flights_.begin(), flights_.end(), [](const Flight& at) { return at.scanned.has_value(); });
  }
  /// How many of the frames the consumer works on or has waiting, as far as it has said.
  std::size_t frames_in_flight() const { return std::min(unhandled_, flights_.size()); }
  std::uint64_t in_flight() const { return sent_.events - acknowledged_.events; }
  const Credit& sent() const { return sent_; }
  std::uint64_t acknowledged() const { return acknowledged_.events; }

  const std::string peer;
  Subscription& subscription;
  const Duration silence;  ///< the longest the other side says it will be silent
  /// No larger event is sent over it, topic and payload together. (A batch of several events may be longer.)
  const std::uint64_t largest_event;
  std::optional<std::uint64_t> too_large;  ///< so large is the next event, more than that: the link cannot go on
  Time heard;
  Time told;
  Time sent_at;               ///< the last events
  bool is_due_later = false;  ///< listed by the Outlet: small batches are held back for a while
  Place told_repeated;        ///< its peer knows that what lies below this may come for the second time

 private:
  void record_flight(std::uint64_t events, std::uint64_t bytes, Flight flight);
  void raise_limit(const Credit& limit);

  std::uint64_t max_in_flight_bytes_;
  Credit sent_;
  Credit limit_;
  Credit acknowledged_;
  Credit window_;  // what may be in flight, as the consumer said at first
  std::deque<Flight> flights_;
  std::size_t unhandled_ = 0;          // the last so many of them
  std::size_t scanned_in_flight_ = 0;  // so many of them come from a scan
  UnheardGaps unheard_;
};

}  // namespace galena::core
