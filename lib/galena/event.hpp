// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "galena/detail/message.hpp"
#include "galena/event_view.hpp"
#include "galena/export.hpp"

namespace galena {

/// An event that owns its bytes: what a handle_produce returns.
class Event {
 public:
  template <class M>
  Event(std::string topic, M&& message) : topic_(std::move(topic)) {
    if constexpr (std::is_same_v<std::remove_cvref_t<M>, std::string>) {
      payload_ = std::forward<M>(message);
    } else {
      const EventView event = detail::encode_message({}, message, payload_);
      encoding_ = event.encoding;
      if (event.payload.data() == payload_.data()) {
        payload_.resize(event.payload.size());
      } else {
        payload_ = event.payload;
      }
    }
  }
  explicit Event(const EventView& view) : topic_(view.topic), payload_(view.payload), encoding_(view.encoding) {}

  /// Valid while this Event lives. May be given to a handler, as what came of no subscription.
  EventView view() const { return {topic_, payload_, encoding_}; }
  const std::string& topic() const { return topic_; }
  /// See EventView. Views point into this Event.
  template <class T>
  std::optional<T> as() const {
    return view().as<T>();
  }

 private:
  std::string topic_;
  std::string payload_;
  Encoding encoding_ = Encoding::raw;
};

}  // namespace galena
