// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "galena/core/segment.hpp"
#include "galena/core/view.hpp"

namespace galena::core {

/// Decides which views of a buffer may grow, and by how much. Nothing else decides that.
///
/// Memory is counted in whole segments. The SegmentPool charges a segment from its allocation until the log has dropped
/// it and nobody has it pinned. So the sum of what is held, pinned and retained never exceeds the pool's limit. The
/// pool asserts this at each allocation, in release builds as well: that is one comparison for a segment.
class Budget {
 public:
  /// An event, and the views that get a copy of it (the takers); `base` is null if base does not get one.
  struct Request {
    const View* base;
    const std::vector<View*>& takers;
    std::size_t bytes;
  };

  /// Whether views will have room for several events that are to be appended one after the other.
  class Forecast {
   public:
    explicit Forecast(const Budget& budget) : budget_(budget), free_(budget.free()) {}

    /// One more event, of `bytes`, for the view. False if the view will have no room for it; after that this object
    /// says nothing of use any more.
    bool add(const View& view, std::size_t bytes) {
      Growing& growing = views_.try_emplace(&view, Growing{Log::Forecast(view.log)}).first->second;
      ++growing.events;
      if (budget_.limits_events() && view.holds() && view.held_events() + growing.events > budget_.limit_events_) {
        return false;
      }
      const std::uint64_t growth = growing.log.add(bytes);
      if (growth == 0) return true;
      // The rule of may_grow(), with what was added before: it is in `bytes`, and not in `free_` any more.
      if ((view.holds() ? view.log.charged() + growing.bytes : 0) + growth > free_) return false;
      growing.bytes += growth;
      free_ -= growth;
      return true;
    }

   private:
    struct Growing {
      Log::Forecast log;
      std::uint64_t bytes = 0;
      std::uint64_t events = 0;
    };

    const Budget& budget_;
    std::uint64_t free_;
    std::map<const View*, Growing> views_;
  };

  Budget(const SegmentPool& pool, std::uint64_t limit_events) : pool_(pool), limit_events_(limit_events) {}

  bool limits_events() const { return limit_events_ != 0; }
  /// A larger event is never accepted.
  std::uint64_t largest_event() const { return std::min<std::uint64_t>(pool_.limit() / 4, 1 << 30); }

  /// A view that holds may grow while it has less than what is free. So a subscriber that stands still takes half of
  /// the memory at most, and there is always room for the next one.
  bool may_grow(const View& view, std::uint64_t growth) const {
    return growth == 0 || (view.holds() ? view.log.charged() : 0) + growth <= free();
  }
  /// Whether the view has room for one more event of `bytes`.
  bool has_room(const View& view, std::size_t bytes) const {
    const bool enough = limits_events() && view.holds() && view.held_events() >= limit_events_;
    return !enough && may_grow(view, view.log.growth(bytes));
  }
  /// Whether all views have room for the event in their open batches. Then nothing else needs to be looked at: this is
  /// the usual case.
  bool has_space(const Request& event) const {
    return !limits_events() && (event.base == nullptr || event.base->log.has_space(event.bytes)) &&
           all_of(event, [&](const View& view) { return view.log.has_space(event.bytes); });
  }
  /// How much more the pool would charge if all views had the event.
  std::uint64_t growth(const Request& event) const {
    std::uint64_t growth = event.base != nullptr ? event.base->log.growth(event.bytes) : 0;
    for (const View* view : event.takers) growth += view->log.growth(event.bytes);
    return growth;
  }
  /// Whether all views can have the event now.
  bool fits(const Request& event) const {
    return growth(event) <= free() && (event.base == nullptr || has_room(*event.base, event.bytes)) &&
           all_of(event, [&](const View& view) { return has_room(view, event.bytes); });
  }
  /// Whether the copies of the event would not fit into an empty buffer.
  bool never_fits(const Request& event) const {
    const std::uint64_t copies = event.takers.size() + (event.base != nullptr ? 1 : 0);
    return copies * std::uint64_t{pool_.next_capacity(0, event.bytes + batch_header_bytes)} > pool_.limit();
  }

 private:
  std::uint64_t free() const { return pool_.limit() - pool_.charged(); }
  template <class Condition>
  static bool all_of(const Request& event, Condition condition) {
    return std::all_of(event.takers.begin(), event.takers.end(), [&](const View* view) { return condition(*view); });
  }

  const SegmentPool& pool_;
  std::uint64_t limit_events_;  // per view; 0: no bound but bytes
};

}  // namespace galena::core
