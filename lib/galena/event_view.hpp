// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "galena/codec.hpp"
#include "galena/export.hpp"
#include "galena/id.hpp"

namespace galena {

/// Whom an event comes from, and where it stands there. A handler's EventView refers to one, which answers when it is
/// asked. For tests of handlers there is TestEvent, in <galena/testing.hpp>.
class GALENA_API EventOrigin {
 public:
  /// The producer's name as the subscription gives it; of a nameless one, "stage " and the first digits of its id.
  virtual std::string_view producer() const = 0;
  virtual Id stream() const = 0;
  virtual std::optional<std::uint64_t> position() const = 0;

  EventOrigin() = default;
  EventOrigin(const EventOrigin&) = delete;
  EventOrigin& operator=(const EventOrigin&) = delete;
  virtual ~EventOrigin() = default;
};

/// An event in somebody else's memory. What a handler is given is valid until the handler returns.
struct EventView {
  std::string_view topic;
  std::string_view payload;
  Encoding encoding = Encoding::raw;
  /// Of what a handler is given: the event may have been handled before, see docs/delivery.md. What a stage makes of it
  /// is marked as well, whatever is said here.
  bool repeated = false;
  /// Null, unless a subscription brought the event.
  const EventOrigin* origin = nullptr;

  /// The message as a T: text, bytes, or whatever has a Codec. Empty if it is none; then try another type. Views point
  /// into the event.
  template <class T>
  std::optional<T> as() const {
    return detail::decode<T>(payload, encoding);
  }

  /// The producer's name (see EventOrigin); empty without an origin.
  std::string_view producer() const { return origin != nullptr ? origin->producer() : std::string_view(); }
  /// The id of the producer's stream: a producer that starts anew has another one.
  Id stream() const { return origin != nullptr ? origin->stream() : Id{}; }
  /// The number of the event in its stream, from 0. Empty without an origin, and if the batch in which the event came
  /// does not tell: one that leaves out topics that were not selected.
  std::optional<std::uint64_t> position() const { return origin != nullptr ? origin->position() : std::nullopt; }
};

}  // namespace galena
