// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <deque>

#include "galena/core/log.hpp"
#include "galena/detail/output.hpp"
#include "galena/event.hpp"
#include "galena/stage/outlet_driver.hpp"

namespace galena::detail {

/// What a handler makes on a loop's thread, offered to a publishing side. That thread must not wait: events without
/// room are kept here, in order, until they are offered again.
class Offering final : public Output {
 public:
  explicit Offering(OutletDriver& driver) : driver_(driver) {}

  /// What is put from now on was made of this.
  void begin(const core::Provenance& from) { from_ = from; }
  Sink& sink() override;
  void put(const EventView& event) override;
  void put(std::span<const EventView> events) override;

  /// Some events are still without room. Any thread.
  bool waits() const { return waits_.load(std::memory_order_relaxed); }
  /// Offers them again. True if all of them have found room.
  bool retry();
  /// Counts them as dropped. Returns how many there were.
  std::size_t abandon();

 private:
  struct Left {
    core::Provenance from;
    Event event;
  };

  bool offer(const EventView& event, core::Provenance& from);

  OutletDriver& driver_;
  Sink sink_;
  core::Provenance from_;
  std::deque<Left> left_;
  std::atomic<bool> waits_{false};  // left_ is not empty
};

}  // namespace galena::detail
