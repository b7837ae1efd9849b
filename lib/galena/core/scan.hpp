// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "galena/core/cursor.hpp"
#include "galena/core/topic_index.hpp"
#include "galena/core/view.hpp"
#include "galena/gap.hpp"

namespace galena::core {

class BatchBuilder;

/// Replays old events: filters the base log from `from` up to where the subscription's own view begins, and copies what
/// is selected into batches. It is used (a) when a consumer resumes below what its view has, (b) for an expected
/// identity, for which everything was held before it subscribed. Unless it holds (b), the producer does not wait for
/// it: events that are evicted before the scan reaches them become a gap.
///
/// Positions in base are dense, so that batches can be cut anywhere: each piece says exactly which ones it speaks of.
class Scan {
 public:
  /// What a piece was read from, to be able to come back to it.
  struct Stretch {
    Spot begin = {};           ///< in base
    std::uint64_t from = 0;    ///< the position there
    std::uint64_t passed = 0;  ///< of what is selected from there on, so many events were done with before the piece
    std::uint64_t upto = 0;    ///< the piece speaks of everything below this position
  };
  /// What there is to send next. Nothing at all: it has not found anything yet, or is finished.
  struct Piece {
    std::optional<Gap> gap = {};
    std::optional<std::uint64_t> mark = {};  ///< below this position nothing more comes
    std::string batch = {};
    std::uint64_t events = 0;
    std::uint64_t bytes = 0;  ///< of the events
    Stretch stretch = {};
  };

  /// Of the positions from `from` on, without the first `skip` selected events, up to `upto`: there the view goes on.
  /// REQUIRES: base has no open batch.
  Scan(View& base, const Selection& selection, std::uint64_t from, std::uint64_t skip, std::uint64_t upto);
  ~Scan();
  Scan(const Scan&) = delete;
  Scan& operator=(const Scan&) = delete;

  /// From now on, keeps what it has not read yet and what is not acknowledged, as far as that is not cache already.
  void hold();
  bool holds() const { return holding_; }
  /// What lies before item `item` of base is acknowledged. The floor of base may move.
  void release_before(std::uint64_t item);

  /// Reads on, up to `max_events` and while less than `max_bytes` of events are taken; looks at no more than
  /// max_looked_at bytes. What it finds below
  /// `marked_below` is marked as repeated.
  Piece read(std::uint64_t max_events, std::uint64_t max_bytes, std::uint64_t marked_below = 0);
  /// Everything below `upto` is read (and told).
  bool finished() const { return told_ >= upto_; }
  /// What is not kept and lies below this position was acknowledged: it is no gap.
  void pass_over_missing_below(std::uint64_t position) { no_gap_below_ = position; }
  /// Back to what a piece was read from; its first `acknowledged` events are done with.
  void go_back(const Stretch& stretch, std::uint64_t acknowledged);

  /// Everything below this has been sent, told as a gap, or was not selected.
  std::uint64_t told() const { return told_; }
  /// Selected events from there on that are to be passed over.
  std::uint64_t skip() const { return told_skip_; }
  std::uint64_t upto() const { return upto_; }
  const Spot& next() const { return told_spot_; }

  static constexpr std::size_t max_looked_at = 256 * 1024;

 private:
  bool selects(std::string_view topic);
  bool missing(Piece& piece);
  bool look_at(const Item& item, BatchBuilder& copy, std::uint64_t upto, std::uint64_t max_events,
               std::uint64_t max_bytes, std::size_t& looked_at);
  void tell();
  void place_at(std::uint64_t item, std::uint64_t events);

  View& base_;
  TopicIndex<Scan> matcher_;  // empty: everything
  Cursor at_;                 // the next event to look at
  std::uint64_t position_;    // its position: everything below has been looked at
  std::uint64_t told_;
  Spot told_spot_;
  std::uint64_t told_skip_;
  std::uint64_t skip_;  // what is left of that
  std::uint64_t upto_;
  std::uint64_t no_gap_below_ = 0;
  bool holding_ = false;
  bool doubtful_ = false;  // some of what it reads may be repetitions
};

}  // namespace galena::core
