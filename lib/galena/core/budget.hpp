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

/// What of a buffer may grow, and by how much: the only place that decides it.
///
/// Memory is counted in whole segments, from allocation until its log is done with one and nobody has it pinned. So
/// held + pinned + cache is what the pool charges, and the pool asserts, whenever that grows and in every build, that
/// it stays within the limit: it costs one comparison for each segment.
class Budget {
 public:
  /// An event, and all views that are to have a copy of it; `base` may be null.
  struct Request {
    const View* base;
    const std::vector<View*>& takers;
    std::size_t bytes;
  };

  /// Whether views have room for events that are not appended yet, one after the other.
  class Forecast {
   public:
    explicit Forecast(const Budget& budget) : budget_(budget), free_(budget.free()) {}

    /// For one more event of `bytes`. If false the view has no room for it: then ask no more.
    bool add(const View& view, std::size_t bytes) {
      Growing& growing = views_.try_emplace(&view, Growing{Log::Forecast(view.log)}).first->second;
      ++growing.events;
      if (budget_.limits_events() && view.holds() && view.held_events() + growing.events > budget_.limit_events_) {
        return false;
      }
      const std::uint64_t growth = growing.log.add(bytes);
      if (growth == 0) return true;
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
  /// An event above this is never accepted.
  std::uint64_t largest_event() const { return std::min<std::uint64_t>(pool_.limit() / 4, 1 << 30); }

  /// A view that holds may grow while it has less than what is free. So a subscriber that stands still takes half of
  /// the memory at most, and there is always room for the next one.
  bool may_grow(const View& view, std::uint64_t growth) const {
    return growth == 0 || (view.holds() ? view.log.charged() : 0) + growth <= free();
  }
  /// The view has room for one more event of `bytes`.
  bool has_room(const View& view, std::size_t bytes) const {
    const bool enough = limits_events() && view.holds() && view.held_events() >= limit_events_;
    return !enough && may_grow(view, view.log.growth(bytes));
  }
  /// All have room for it in their open batches: the usual case, in which nothing else needs to be looked at.
  bool has_space(const Request& event) const {
    return !limits_events() && (event.base == nullptr || event.base->log.has_space(event.bytes)) &&
           all_of(event, [&](const View& view) { return view.log.has_space(event.bytes); });
  }
  /// What the pool would charge more if all had it.
  std::uint64_t growth(const Request& event) const {
    std::uint64_t growth = event.base != nullptr ? event.base->log.growth(event.bytes) : 0;
    for (const View* view : event.takers) growth += view->log.growth(event.bytes);
    return growth;
  }
  /// All can have it.
  bool fits(const Request& event) const {
    return growth(event) <= free() && (event.base == nullptr || has_room(*event.base, event.bytes)) &&
           all_of(event, [&](const View& view) { return has_room(view, event.bytes); });
  }
  /// Not all could have it even if nothing else were held.
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
