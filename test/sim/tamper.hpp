// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "complaint.hpp"
#include "galena/gap.hpp"
#include "random.hpp"

namespace galena::sim {

/// A deliberate mistake, made between the pure parts: a message that is altered or lost without the link breaking, or a
/// step that whoever drives the parts leaves out. Each has a checker that is meant to catch it.
enum class Fault : std::uint8_t {
  none,
  dropped_grant,      ///< a consumer's grants do not arrive from some moment on, though its heartbeats do
  wide_window,        ///< the outlet is granted one event more than the consumer said
  early_acknowledge,  ///< acknowledged before the handler has returned
  early_store,        ///< the place is stored before the handler has returned
  early_settle,       ///< a relay acknowledges what it has handled, as if it were a consumer
  resume_early,       ///< one event earlier than the consumer stands
  resume_late,        ///< one event later
  gap_untold,         ///< the consumer is not told of a gap
  gap_miscounted,     ///< a gap tells one event more
  repeat_unmarked,    ///< the mark of a repeated event is taken off
  seen_forgotten,     ///< a relay does not remember what it handled when a link breaks
  cursor_skips,       ///< an event that is held for a subscriber is passed
  stale_frame,        ///< frames change places
  wrong_selection,    ///< the outlet understands another selection
  boundless,          ///< the outlet takes more memory than it may
  place_lost,         ///< the outlet gives up the places of those who are away
  silent_death,       ///< a link that broke is never noticed
};

struct FaultInfo {
  Fault fault;
  std::string_view name;
  std::string_view what;
  Kind caught_as;
};
inline constexpr std::array<FaultInfo, 17> faults{{
    {Fault::dropped_grant, "dropped-grant", "grants are lost on a link that works", Kind::liveness},
    {Fault::wide_window, "wide-window", "the window is one event too wide", Kind::credit},
    {Fault::early_acknowledge, "early-acknowledge", "acknowledged before the handler has returned",
     Kind::acknowledgement},
    {Fault::early_store, "early-store", "the place is stored before the handler has returned", Kind::accounts},
    {Fault::early_settle, "early-settle", "a relay acknowledges before its subscribers have", Kind::acknowledgement},
    {Fault::resume_early, "resume-early", "a link is resumed one event too early", Kind::repeat},
    {Fault::resume_late, "resume-late", "a link is resumed one event too late", Kind::accounts},
    {Fault::gap_untold, "gap-untold", "a gap is not told", Kind::loss},
    {Fault::gap_miscounted, "gap-miscounted", "a gap tells one event too many", Kind::count},
    {Fault::repeat_unmarked, "repeat-unmarked", "a repetition is not marked", Kind::repeat},
    {Fault::seen_forgotten, "seen-forgotten", "a relay forgets what it handled when its link breaks", Kind::repeat},
    {Fault::cursor_skips, "cursor-skips", "a cursor passes a held event", Kind::loss},
    {Fault::stale_frame, "stale-frame", "two frames change places", Kind::refused},
    {Fault::wrong_selection, "wrong-selection", "everything is sent, whatever is selected", Kind::selection},
    {Fault::boundless, "boundless", "an outlet may take twice its memory", Kind::bounds},
    {Fault::place_lost, "place-lost", "the places of those who are away are not held", Kind::place},
    {Fault::silent_death, "silent-death", "a consumer never notices that its producer is silent", Kind::liveness},
}};

class Tamper {
 public:
  explicit Tamper(Fault fault) : fault_(fault) {}

  bool is(Fault fault) const { return fault_ == fault; }
  /// A message of a consumer, behind the books: empty if it is lost.
  std::optional<std::string> up(std::string message, Random& random) const;
  /// A frame of an outlet, behind the books.
  std::string down(std::string frame, Random& random) const;

 private:
  Fault fault_;
};

}  // namespace galena::sim
