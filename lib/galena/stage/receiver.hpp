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
#include "galena/core/ledger.hpp"
#include "galena/net/socket.hpp"
#include "galena/options.hpp"
#include "galena/stage/node_core.hpp"

namespace galena::detail {

/// Takes the events of a stage's subscriptions, one by one, on the stage's loop.
class EventTaker {
 public:
  enum class Progress : std::uint8_t {
    read,     ///< the frame has no more events
    handled,  ///< an event, or some: the inlet wants attention, or it is time for something else
    blocked,  ///< an event was taken, but what was made of it has no room yet; call Receiver::resume() when it has
    waits,    ///< nothing was taken: there is no room yet; call Receiver::resume() when there is
    failed,   ///< the stage stops
  };
  /// What a receiver reads events with.
  struct Reading {
    core::Inlet& inlet;
    const Source& from;
    std::atomic<std::uint64_t>& received;  ///< counts events that the handler is given
    std::uint64_t tick;                    ///< of the node, when it began: another one means it is time
    std::shared_ptr<net::Frame> frame;     ///< where the events lie, if nobody else reads that memory
  };
  virtual Progress take(Reading reading) = 0;
  /// A frame has been handled, or there is no room: what was made of it should leave.
  virtual void note_pause() = 0;
  /// All that has arrived has been handled.
  virtual void note_idle() = 0;
  virtual void note_state(const Source& of, State state) = 0;
  virtual void note_gap(const Source& of, const Gap& gap) = 0;
  /// Another consumer has the identity now: the stage stops.
  virtual void note_superseded(const Source& of) = 0;
  /// Of a relay: what was made so far ends here, and what lies below this is acknowledged by those it was made for.
  virtual std::uint64_t made_upto() = 0;
  virtual std::uint64_t settled_upto() = 0;

  EventTaker() = default;
  virtual ~EventTaker() = default;
  EventTaker(const EventTaker&) = delete;
  EventTaker& operator=(const EventTaker&) = delete;
};

/// One subscription of a stage: finds its producer, connects, and is an Inlet's transport; when the link breaks it
/// handles what has arrived, and looks the name up again. On the stage's loop.
class Receiver {
 public:
  struct Options {
    Subscription subscription;
    std::string consumer;  ///< its stage's name
    Id consumer_stage = {};
    std::string identity = {};                      ///< of this subscription
    std::shared_ptr<PositionStore> positions = {};  ///< under `key`
    std::string key = {};
    bool acknowledge_downstream = false;  ///< what settled_upto() says is acknowledged, instead of what is handled
  };

  Receiver(NodeCore& node, Loop& loop, EventTaker& taker, Options options);
  ~Receiver();
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  /// What was made of the last event has found room.
  void resume();
  /// What settled_upto() says has changed.
  void settle();
  /// Takes no more, and grants none. With an identity the link stays, to acknowledge what was made of what it has
  /// taken.
  void stop_taking();
  /// Says goodbye, and why, and takes no more. What has arrived and was not handled is not acknowledged; with an
  /// identity the place is kept for whoever has that next.
  void stop(std::string_view reason);

  // Any thread.
  std::uint64_t received() const { return received_.load(std::memory_order_relaxed); }
  std::uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }
  std::uint64_t unknown_gaps() const { return unknown_gaps_.load(std::memory_order_relaxed); }
  std::uint64_t malformed() const { return malformed_.load(std::memory_order_relaxed); }
  std::uint64_t passed_over() const { return passed_over_.load(std::memory_order_relaxed); }
  State state() const { return state_.load(std::memory_order_relaxed); }
  const Source& source() const { return options_.subscription.producer; }

 private:
  void handle_target(std::optional<Target> target);
  void connect();
  void work();
  bool read_events();
  bool handle_frame(net::Frame frame);
  void note_malformed();
  void finish_event();
  void see_to_inlet();
  void say(bool idle);
  void load_position();
  bool save_position();
  void note_made();
  void tell_gaps();
  void handle_cancelled();
  void work_later();
  void handle_disconnected();
  void lose(std::string why, bool try_next_endpoint);
  void connect_later();
  void handle_time();
  void set_state(State state);
  core::Inlet::Options inlet_options();

  NodeCore& node_;
  Loop& loop_;
  EventTaker& taker_;
  Options options_;
  Id id_ = Id::random();
  std::uint64_t epoch_;  // of its last attempt: later ones of its identity have higher ones

  std::optional<Target> target_;
  std::size_t endpoint_ = 0;                // of the target: the one to try
  Id ended_stage_;                          // said that its stream is over: not to be tried again
  std::optional<core::Standing> standing_;  // where it stood when its last link ended
  bool exact_;                              // that is what was handled, and not more
  core::Seen seen_;
  core::Ledger ledger_;                    // with acknowledge_downstream
  std::optional<core::Standing> settled_;  // and that far it is acknowledged
  bool save_failed_ = false;
  bool told_draining_ = false;
  std::uint64_t passed_before_ = 0;  // over the links before
  Duration back_off_;
  net::Reactor::TimerId retry_timer_ = 0;
  net::Reactor::TimerId timer_ = 0;

  std::unique_ptr<net::Dealer> dealer_;
  std::optional<core::Inlet> inlet_;
  Id connected_stage_;
  Time connected_at_;
  std::shared_ptr<net::Frame> frame_;
  bool reading_ = false;        // frame_
  bool shares_frames_ = false;  // with the producer: they are what it sent
  bool blocked_ = false;        // the taker has no room
  bool finish_later_ = false;   // the event that the inlet gave last, when there is room
  bool failed_ = false;         // the stage stops
  bool stopped_taking_ = false;
  bool superseded_ = false;
  bool at_fault_ = false;      // the producer broke the protocol
  bool disconnected_ = false;  // what has arrived is still to be read
  bool work_posted_ = false;

  std::atomic<std::uint64_t> received_{0};
  std::atomic<std::uint64_t> lost_{0};
  std::atomic<std::uint64_t> unknown_gaps_{0};
  std::atomic<std::uint64_t> malformed_{0};
  std::atomic<std::uint64_t> passed_over_{0};
  std::atomic<State> state_{State::searching};
  bool state_told_ = false;

  std::shared_ptr<Receiver*> self_;  // for what is posted to the loop and may come too late
  NodeCore::WatchId watch_ = 0;
};

}  // namespace galena::detail
