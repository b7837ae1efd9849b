// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "galena/core/inlet.hpp"
#include "galena/net/socket.hpp"
#include "galena/options.hpp"
#include "galena/stage/inlet_driver.hpp"

namespace galena::detail {

/// Takes the events of a stage's subscriptions, one by one, on the stage's loop.
class EventTaker {
 public:
  /// What events are read with.
  struct Reading {
    core::Inlet& inlet;
    const Source& from;
    std::atomic<std::uint64_t>& received;  ///< counts events that the handler is given
    std::uint64_t tick;                    ///< of the node, when reading began: another one means that it is time
    std::shared_ptr<net::Frame> frame;     ///< where the events lie, if nobody else reads that memory
  };
  virtual Progress take(Reading reading) = 0;
  /// A frame has been handled, or there is no room: what was made of it should leave.
  virtual void handle_pause() = 0;
  /// All that has arrived has been handled.
  virtual void handle_idle() = 0;
  virtual void handle_state(const Source& of, State state) = 0;
  virtual void handle_gap(const Source& of, const Gap& gap) = 0;
  /// Another consumer has the identity now: the stage stops.
  virtual void handle_superseded(const Source& of) = 0;
  /// A subscription has ended as Receiver::leave() says.
  virtual void handle_left() = 0;
  /// Relay only: the position of the next output event.
  virtual std::uint64_t made_upto() = 0;
  /// Relay only: every output event below this is acknowledged by all subscribers with an identity.
  virtual std::uint64_t acknowledged_upto() = 0;

  EventTaker() = default;
  virtual ~EventTaker() = default;
  EventTaker(const EventTaker&) = delete;
  EventTaker& operator=(const EventTaker&) = delete;
};

}  // namespace galena::detail
