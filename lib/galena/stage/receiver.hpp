// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "galena/core/inlet.hpp"
#include "galena/net/socket.hpp"
#include "galena/stage/node_core.hpp"
#include "galena/stage/options.hpp"

namespace galena::detail {

/// Takes the events of a stage's subscriptions, one by one, on the stage's loop.
class EventTaker {
 public:
  enum class Progress : std::uint8_t {
    done,     ///< handled: it may be acknowledged
    blocked,  ///< handled, but what was made of it has no room yet; call Receiver::resume() when it has
    failed,   ///< the stage stops
  };
  virtual Progress take(const EventView& event, const Source& from) = 0;
  /// A frame has been handled, or there is no room: what was made of it should leave.
  virtual void note_pause() = 0;
  /// All that has arrived has been handled.
  virtual void note_idle() = 0;
  virtual void note_state(const Source& of, State state) = 0;
  virtual void note_gap(const Source& of, const Gap& gap) = 0;

  EventTaker() = default;
  virtual ~EventTaker() = default;
  EventTaker(const EventTaker&) = delete;
  EventTaker& operator=(const EventTaker&) = delete;
};

/// One subscription of a stage: finds its producer, connects, and is an Inlet's transport; when the link breaks it
/// handles what has arrived, and looks the name up again. On the stage's loop.
class Receiver {
 public:
  Receiver(NodeCore& node, Loop& loop, EventTaker& taker, Subscription subscription, std::string consumer);
  ~Receiver();
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  /// What was made of the last event has found room.
  void resume();
  /// Says goodbye, and why, and takes no more. What has arrived and was not handled is not acknowledged.
  void stop(std::string_view reason);

  // Any thread.
  std::uint64_t received() const { return received_.load(std::memory_order_relaxed); }
  std::uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }
  std::uint64_t unknown_gaps() const { return unknown_gaps_.load(std::memory_order_relaxed); }
  std::uint64_t malformed() const { return malformed_.load(std::memory_order_relaxed); }
  State state() const { return state_.load(std::memory_order_relaxed); }
  const Source& source() const { return subscription_.producer; }

 private:
  void handle_target(std::optional<Target> target);
  void connect();
  void work();
  bool read_events();
  bool handle_frame(net::Frame frame);
  void note_malformed();
  void finish_event();
  void say(bool idle);
  void tell_gaps();
  void work_later();
  void handle_disconnected();
  void lose(std::string why, bool try_next_endpoint);
  void connect_later();
  void handle_time();
  void set_state(State state);
  core::Inlet::Options inlet_options() const;

  NodeCore& node_;
  Loop& loop_;
  EventTaker& taker_;
  Subscription subscription_;
  std::string consumer_;  // its stage's name
  Id id_ = Id::random();
  std::uint64_t epoch_ = 0;

  std::optional<Target> target_;
  std::size_t endpoint_ = 0;  // of the target: the one to try
  Id ended_stage_;            // said that its stream is over: not to be tried again
  std::optional<core::Place> place_;
  Duration back_off_;
  net::Reactor::TimerId retry_timer_ = 0;
  net::Reactor::TimerId timer_ = 0;

  std::unique_ptr<net::Dealer> dealer_;
  std::optional<core::Inlet> inlet_;
  Id connected_stage_;
  Time connected_at_;
  net::Frame frame_;
  bool reading_ = false;       // frame_
  bool blocked_ = false;       // the taker has no room
  bool failed_ = false;        // the stage stops
  bool at_fault_ = false;      // the producer broke the protocol
  bool disconnected_ = false;  // what has arrived is still to be read
  bool work_posted_ = false;

  std::atomic<std::uint64_t> received_{0};
  std::atomic<std::uint64_t> lost_{0};
  std::atomic<std::uint64_t> unknown_gaps_{0};
  std::atomic<std::uint64_t> malformed_{0};
  std::atomic<State> state_{State::searching};
  bool state_told_ = false;

  std::shared_ptr<Receiver*> self_;  // for what is posted to the loop and may come too late
  NodeCore::WatchId watch_ = 0;
};

}  // namespace galena::detail
