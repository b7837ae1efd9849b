// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "galena/event_view.hpp"
#include "galena/export.hpp"
#include "galena/sink.hpp"

namespace galena::detail {

/// Takes what one call of a handler made, after it has returned. On the thread of the call.
class GALENA_API Output {
 public:
  /// For a handler that emits: empty at first.
  virtual Sink& sink() = 0;
  /// The one event that it returned.
  virtual void put(const EventView& event) = 0;
  /// All that it emitted, or returned at once.
  virtual void put(std::span<const EventView> events) = 0;

  Output() = default;
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

 protected:
  ~Output() = default;
};

}  // namespace galena::detail
