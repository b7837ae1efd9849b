// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>

#include "galena/base/assert.hpp"
#include "galena/base/time.hpp"
#include "galena/core/message.hpp"
#include "galena/core/view.hpp"

namespace galena::core {

/// One subscription: a cursor, and the ledger of the credit of its connection. Deliveries and bytes are counted from
/// the start of that; a connection that follows it starts anew.
///
/// Invariant: acknowledged <= sent.events <= limit.events; flights cover (acknowledged, sent.events].
class Link {
 public:
  /// A frame that is not acknowledged: deliveries (first, upto], beginning `skipped` events into item `item`.
  struct Flight {
    std::uint64_t first = 0;
    Credit upto;
    std::uint64_t item = 0;
    std::uint64_t skipped = 0;
  };

  Link(std::string at, const Subscribe& subscribe, std::uint64_t max_in_flight, Time now)
      : subscription(subscribe.subscription),
        consumer(subscribe.consumer),
        peer(std::move(at)),
        epoch(subscribe.epoch),
        silence(sane_silence(subscribe.silence)),
        heard(now),
        told(now),
        max_in_flight_bytes_(max_in_flight) {
    raise_limit(subscribe.credit);
  }

  /// The connection is over. The cursor goes back to the first event that is not acknowledged.
  void break_off() {
    cursor.go_back(needed_from(), done_of_needed());
    done_before_ += acknowledged_.events;
    sent_ = limit_ = acknowledged_ = window_ = {};
    flights_.clear();
  }
  /// The consumer is back, over another connection, and has handled `passed` events more than it could say.
  void resume(std::string at, const Subscribe& subscribe, std::uint64_t passed, Time now) {
    peer = std::move(at);
    epoch = subscribe.epoch;
    silence = sane_silence(subscribe.silence);
    heard = told = now;
    away_since.reset();
    done_before_ += passed;
    raise_limit(subscribe.credit);
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
    const std::uint64_t first = sent_.events;
    sent_.events += events;
    sent_.bytes += bytes;
    GALENA_ASSERT(sent_.events <= limit_.events, "more was sent than was granted");
    flights_.push_back({first, sent_, item, skipped});
  }

  /// False if that much was never sent.
  bool handle_grant(const Grant& grant) {
    if (grant.acknowledged > sent_.events) return false;
    acknowledged_.events = std::max(acknowledged_.events, grant.acknowledged);
    while (!flights_.empty() && flights_.front().upto.events <= acknowledged_.events) {
      acknowledged_.bytes = flights_.front().upto.bytes;
      flights_.pop_front();
    }
    raise_limit(grant.limit);
    return true;
  }

  /// The first item that is still needed for what is in flight or not sent.
  std::uint64_t needed_from() const { return flights_.empty() ? cursor.item : flights_.front().item; }
  /// How many events of that item are done with all the same.
  std::uint64_t done_of_needed() const {
    if (flights_.empty()) return cursor.events;
    return flights_.front().skipped + acknowledged_.events - flights_.front().first;
  }
  /// Selected, and neither acknowledged nor told to be dropped.
  std::uint64_t owed() const { return cursor.selected() - cursor.dropped - acknowledged(); }
  std::uint64_t in_flight() const { return sent_.events - acknowledged_.events; }

  const Credit& sent() const { return sent_; }
  /// Since it subscribed, over all its connections.
  std::uint64_t acknowledged() const { return done_before_ + acknowledged_.events; }
  std::size_t frames_in_flight() const { return flights_.size(); }

  const Id subscription;
  const std::string consumer;
  std::string peer;
  std::uint64_t epoch;
  Duration silence;  ///< the longest the other side says it will be silent
  Time heard;
  Time told;
  std::optional<Time> away_since = {};  ///< its connection is over, and its place is held
  Cursor cursor;

 private:
  void raise_limit(const Credit& limit) {
    limit_.events = std::max(limit_.events, limit.events);
    limit_.bytes = std::max(limit_.bytes, limit.bytes);
    window_ = {limit_.events - acknowledged_.events,
               std::min(limit_.bytes - std::min(limit_.bytes, acknowledged_.bytes), max_in_flight_bytes_)};
  }

  std::uint64_t max_in_flight_bytes_;
  std::uint64_t done_before_ = 0;  // events acknowledged over connections that are over
  Credit sent_;
  Credit limit_;
  Credit acknowledged_;
  Credit window_;  // what may be in flight, as of the last grant
  std::deque<Flight> flights_;
};

}  // namespace galena::core
