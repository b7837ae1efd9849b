// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>

#include "galena/base/add_capped.hpp"
#include "galena/base/assert.hpp"
#include "galena/core/message.hpp"
#include "galena/core/window.hpp"
#include "galena/time.hpp"

namespace galena::core {

/// How much a subscription asks for. At most `max_events` and `max_bytes` are on their way or waiting; when
/// `min_events` or fewer (or half of the bytes) are left of that, it asks for as much again. The numbers are GenStage's
/// max_demand and min_demand, which has no bound in bytes.
struct Demand {
  std::uint64_t max_events = 1 << 20;
  std::uint64_t min_events = 1 << 19;
  std::uint64_t max_bytes = 2 << 20;
  std::uint64_t most_bytes = 0;  ///< if above `max_bytes`: a Window starts at `max_bytes` and grows up to this
};

/// Decides when a subscription grants more credit, and how much. The only rule today: refill up to the maximum of the
/// demand when its minimum is left. (A consumer that asks by hand would be another such rule behind the same
/// functions.)
///
/// Invariant: limits never go down, and the refill is due at or before the limit.
class Allowance {
 public:
  /// Requires: 0 < max_events, min_events < max_events, 0 < max_bytes.
  explicit Allowance(const Demand& demand) : demand_(demand), window_(demand.max_bytes, demand.most_bytes) {
    GALENA_ASSERT(demand.max_events > 0 && demand.min_events < demand.max_events && demand.max_bytes > 0,
                  "a demand must ask for something, and again before it has everything");
    limit_ = {demand.max_events, demand.max_bytes};
    refill_at_ = {demand.max_events - demand.min_events, demand.max_bytes - demand.max_bytes / 2};
  }

  const Demand& demand() const { return demand_; }
  /// What may be sent, counted from the start of the link.
  const Credit& limit() const { return limit_; }
  /// The most that may be on its way or waiting, in bytes.
  std::uint64_t window_bytes() const { return window_.bytes(); }

  /// A refill is due when so many events, or bytes, are handled.
  std::uint64_t refill_at_events() const { return refill_at_.events; }
  std::uint64_t refill_at_bytes() const { return refill_at_.bytes; }
  bool refill_due(const Credit& handled) const {
    return granting_ && (handled.events >= refill_at_.events || handled.bytes >= refill_at_.bytes);
  }
  /// A refill would raise the limit, due or not.
  bool can_refill(const Credit& handled) const {
    return granting_ && add_capped(handled.events, demand_.max_events) > limit_.events;
  }
  void refill(const Credit& handled, Time now) {
    window_.tune(now);
    raise_events(handled.events);
    raise_bytes(handled.bytes);
  }
  /// A grant is sent anyhow, because something is acknowledged. Lets the bytes follow if the window is at its widest.
  void follow(const Credit& handled) {
    if (granting_ && window_.at_most()) raise_bytes(handled.bytes);
  }
  /// From now on the limit stays: what was granted may still come.
  void stop() { granting_ = false; }

  /// All of `received_bytes` that arrived has been handled; nothing is waiting.
  void handle_idle(std::uint64_t received_bytes, Time now) { window_.handle_idle(received_bytes, now); }
  void handle_arrival(Time now) { window_.handle_arrival(now); }

 private:
  void raise_events(std::uint64_t handled) {
    limit_.events = std::max(limit_.events, add_capped(handled, demand_.max_events));
    refill_at_.events = add_capped(handled, demand_.max_events - demand_.min_events);
  }
  void raise_bytes(std::uint64_t handled) {
    const std::uint64_t window = window_.bytes();
    limit_.bytes = std::max(limit_.bytes, add_capped(handled, window));
    window_.record_grant(limit_.bytes);
    refill_at_.bytes = add_capped(handled, window - window / 2);
    GALENA_ASSERT(refill_at_.events <= limit_.events && refill_at_.bytes <= limit_.bytes, "a refill comes too late");
  }

  Demand demand_;
  Window window_;
  Credit limit_;
  Credit refill_at_;
  bool granting_ = true;
};

}  // namespace galena::core
