// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "galena/core/topic_index.hpp"
#include "galena/core/view.hpp"
#include "galena/gap.hpp"

namespace galena::core {

/// Reads what a subscription selects of the positions below its cursor from what base keeps, and copies it: for whoever
/// comes back to a place that its view does not have, and for whom a producer held everything before they came. Unless
/// it holds, it makes nobody wait: what is forgotten before it gets there is a gap.
///
/// Positions in base are dense, so that batches can be cut anywhere: each piece says exactly which ones it speaks of.
class Scan {
 public:
  /// Where a piece begins, to come back to it: an item of base, and how many of its events lie before.
  struct Mark {
    std::uint64_t item = 0;
    std::uint64_t events = 0;
    std::uint64_t position = 0;
  };
  /// What there is to send next. Nothing at all: it has not found anything yet, or is finished.
  struct Piece {
    std::optional<Gap> gap = {};
    std::string batch = {};
    std::uint64_t events = 0;
    std::uint64_t bytes = 0;  ///< of the events
    Mark begin = {};
    std::uint64_t passed = 0;  ///< selected events behind the mark that were done with before
  };

  /// Of the positions from `from` on, without the first `skip` selected events, up to `upto`: there the view goes on.
  /// REQUIRES: base has no open batch.
  Scan(View& base, const Selection& selection, std::uint64_t from, std::uint64_t skip, std::uint64_t upto);
  ~Scan();
  Scan(const Scan&) = delete;
  Scan& operator=(const Scan&) = delete;

  /// Keeps what it has not read, or what was not acknowledged of it, from now on. `from` is still there.
  void hold();
  bool holds() const { return holding_; }
  /// What lies before this is done with. Base's floor may move.
  void release_before(std::uint64_t item);

  /// Reads on, up to `max_events` and while less than `max_bytes` of events are taken; looks at no more than
  /// max_looked_at bytes.
  Piece read(std::uint64_t max_events, std::uint64_t max_bytes);
  /// Everything below `upto` is read (and told).
  bool finished() const { return told_ >= upto_; }
  /// Back to where a piece began, and on by `skip` selected events.
  void go_back(const Mark& mark, std::uint64_t skip);

  /// Everything below this has been sent, told as a gap, or was not selected.
  std::uint64_t told() const { return told_; }
  /// Selected events from there on that are to be passed over.
  std::uint64_t skip() const { return told_skip_; }
  std::uint64_t upto() const { return upto_; }
  const Mark& next() const { return told_mark_; }

  static constexpr std::size_t max_looked_at = 256 * 1024;

 private:
  class Copy;

  bool selects(std::string_view topic);
  bool missing(Piece& piece);
  bool look_at(const Item& item, Copy& copy, std::uint64_t max_events, std::uint64_t max_bytes, std::size_t& looked_at);
  void tell();
  void place_at(std::uint64_t item, std::uint64_t events);

  View& base_;
  TopicIndex<Scan> matcher_;  // empty: everything
  Cursor at_;                 // the next event to look at
  std::uint64_t position_;    // its position: everything below has been looked at
  std::uint64_t told_;
  Mark told_mark_;
  std::uint64_t told_skip_;
  std::uint64_t skip_;  // what is left of that
  std::uint64_t upto_;
  bool holding_ = false;
  bool doubtful_ = false;  // some of what it reads may be repetitions
};

}  // namespace galena::core
