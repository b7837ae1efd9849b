// SPDX-License-Identifier: Apache-2.0
#include "galena/sink.hpp"

namespace galena {
namespace {

/// A sink is used again and again: what it needed once for many events it does not keep.
constexpr std::size_t most_kept_bytes = 1 << 20;

}  // namespace

std::span<const EventView> Sink::events() {
  views_.clear();
  for (const Place& place : places_) {
    const std::string_view event = std::string_view(bytes_).substr(place.begin);
    views_.push_back({event.substr(0, place.topic), event.substr(place.topic, place.payload), place.encoding});
  }
  return views_;
}

void Sink::clear() {
  places_.clear();
  bytes_.clear();
  if (bytes_.capacity() + scratch_.size() + places_.capacity() * sizeof(EventView) > most_kept_bytes) *this = Sink();
}

}  // namespace galena
