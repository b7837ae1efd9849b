// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "galena/detail/handler.hpp"
#include "galena/detail/output.hpp"
#include "galena/event_view.hpp"
#include "galena/export.hpp"

namespace galena::detail {

/// A stage's handler without its type, and how it is called.
struct HandlerCalls {
  std::shared_ptr<void> handler = {};  ///< lives as long as the stage runs
  /// Consumers: an event has come. On the stage's thread.
  Taken (*on_consume)(void* handler, const EventView& event) = nullptr;
  /// Producer-consumers: an event has come, on the stage's thread. Producers with a handler: a value was ingested from
  /// elsewhere, under the handler's lock.
  Taken (*on_produce)(void* handler, const EventView& event, Output& out) = nullptr;
  /// Of producers and producer-consumers: at intervals, and once when no input comes any more.
  void (*on_tick)(void* handler, Output& out) = nullptr;
  void (*on_end)(void* handler, Output& out) = nullptr;
  bool passes_all = false;  ///< on_produce passes every event on as it is
};

template <class Wrapped>
void take_calls_without_input(HandlerCalls& calls) {
  if constexpr (check_without_input<Wrapped, HandleTick>()) calls.on_tick = produce_without_input<Wrapped, HandleTick>;
  if constexpr (check_without_input<Wrapped, HandleEnd>()) calls.on_end = produce_without_input<Wrapped, HandleEnd>;
}

}  // namespace galena::detail
