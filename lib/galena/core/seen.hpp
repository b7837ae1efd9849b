// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <tuple>
#include <utility>

#include "galena/core/batch.hpp"

namespace galena::core {

/// How far a subscription has handled each of the streams that its events come from, directly or one relay away: what
/// does not lie behind that is a repetition. Kept over links, for the streams that came last.
class Seen {
 public:
  static constexpr std::size_t max_streams = 16;

  bool contains(const Origin& event) const {
    const Origin* last = find(event.stream);
    return last != nullptr && key(event) <= key(*last);
  }
  /// Whether there is anything behind `from` in its stream that is known.
  bool reaches(const Id& stream, std::uint64_t from) const {
    const Origin* last = find(stream);
    return last != nullptr && from <= last->from;
  }
  void note(const Origin& event) {
    for (auto it = streams_.begin(); it != streams_.end(); ++it) {
      if (it->stream != event.stream) continue;
      if (key(*it) < key(event)) *it = event;
      if (it != streams_.begin()) std::swap(*it, streams_.front());
      return;
    }
    streams_.push_front(event);
    if (streams_.size() > max_streams) streams_.pop_back();
  }

 private:
  static std::tuple<std::uint64_t, std::uint64_t, std::uint64_t> key(const Origin& origin) {
    return {origin.from, origin.ordinal, origin.part};
  }
  const Origin* find(const Id& stream) const {
    for (const Origin& last : streams_) {
      if (last.stream == stream) return &last;
    }
    return nullptr;
  }

  std::deque<Origin> streams_;
};

}  // namespace galena::core
