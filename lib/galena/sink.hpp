// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "galena/detail/message.hpp"
#include "galena/event_view.hpp"
#include "galena/export.hpp"

namespace galena {

/// Where a handler puts events that it does not return: `handle_produce(input, Sink& out)` emits none, one or many. It
/// gathers them in memory; the stage publishes them, all in one step, when the handler has returned, and none of them
/// if the handler throws. One thread at a time.
///
/// In a unit test of a handler, make one, hand it to the handler, and look at events().
class GALENA_API Sink {
 public:
  /// Adds an event, of which the bytes are copied (or packed) before this returns.
  template <class M>
  void emit(std::string_view topic, const M& message) {
    emit(detail::encode_message(topic, message, scratch_));
  }
  void emit(const EventView& event) {
    const std::size_t begin = bytes_.size();
    bytes_.append(event.topic).append(event.payload);
    places_.push_back({begin, event.topic.size(), event.payload.size(), event.encoding});
  }

  bool empty() const { return places_.empty(); }
  std::size_t size() const { return places_.size(); }
  /// What was emitted, in order: views that are valid until the next emit() or clear().
  std::span<const EventView> events();
  /// Forgets what was emitted.
  void clear();

 private:
  struct Place {
    std::size_t begin;
    std::size_t topic;
    std::size_t payload;
    Encoding encoding;
  };

  std::string bytes_;
  std::vector<Place> places_;
  std::vector<EventView> views_;
  std::string scratch_;
};

}  // namespace galena
