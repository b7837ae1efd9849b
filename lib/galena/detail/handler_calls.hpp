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
  bool passes_all = false;  ///< on_produce passes every event on as it is
};

}  // namespace galena::detail
