// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <utility>

#include "galena/core/batch.hpp"

namespace galena::core {

/// How far a subscription has handled each stream that its events come from: the producer's own, and, if that is a
/// relay, those that its events were made from (a batch names one origin, so that is one relay at most). It outlives
/// links, and forgets an old stream when there are more than `max_streams`.
class Seen {
 public:
  static constexpr std::size_t max_streams = 16;

  /// Whether the event that was made from the event at `event` was handled.
  bool contains(const Origin& event) const {
    const Origin* next = find(event.place.stream);
    return next != nullptr && is_before(event, *next);
  }
  /// Everything below this place of the stream was handled. Null if nothing of the stream is remembered.
  const Place* place(const Id& stream) const {
    const Origin* next = find(stream);
    return next == nullptr ? nullptr : &next->place;
  }
  /// The event that was made from the event at `event` is handled; or everything below `place` is.
  void record(const Origin& event) { record_next({event.place, event.part + 1}); }
  void record(const Place& place) { record_next({place, 0}); }
  /// Moves what is recorded of the stream of `place` back to `place`: events from there on count as not handled.
  void go_back(const Place& place) {
    for (Origin& next : streams_) {
      if (next.place.stream == place.stream) next = {place, 0};
    }
  }

 private:
  static bool is_before(const Origin& one, const Origin& other) {
    return one.place < other.place || (one.place == other.place && one.part < other.part);
  }
  const Origin* find(const Id& stream) const {
    for (const Origin& next : streams_) {
      if (next.place.stream == stream) return &next;
    }
    return nullptr;
  }
  void record_next(const Origin& next) {
    for (auto it = streams_.begin(); it != streams_.end(); ++it) {
      if (it->place.stream != next.place.stream) continue;
      if (is_before(*it, next)) *it = next;
      if (it != streams_.begin()) std::swap(*it, streams_.front());
      return;
    }
    streams_.push_front(next);
    if (streams_.size() > max_streams) streams_.pop_back();
  }

  std::deque<Origin> streams_;  // of each stream, the first event that is not handled
};

}  // namespace galena::core
