// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "galena/options.hpp"
#include "galena/stage/connection.hpp"
#include "galena/stage/event_taker.hpp"
#include "galena/stage/inlet_driver.hpp"
#include "galena/stage/position_keeper.hpp"

namespace galena::detail {

/// One subscription of a stage: a Connection to its producer, an InletDriver for each link, and a PositionKeeper over
/// all links. When a link breaks, what has arrived is handled before the next link. On the stage's loop.
///
/// Invariant: there is a driver as long as there is a link.
class Receiver final : private InletDriver::Side {
 public:
  struct Options {
    Subscription subscription;
    std::string consumer;  ///< its stage's name
    Id consumer_stage = {};
    std::string identity = {};                      ///< of this subscription
    std::shared_ptr<PositionStore> positions = {};  ///< under `key`
    std::string key = {};
    bool acknowledge_downstream = false;  ///< what is acknowledged is acknowledged_upto() of the taker
  };

  /// Throws: Error (invalid) for a demand that asks for nothing, and for a saved position that is none.
  Receiver(NodeCore& node, Loop& loop, EventTaker& taker, Options options);
  ~Receiver();
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  /// What was made of the last event has found room.
  void resume();
  /// What acknowledged_upto() says has changed.
  void acknowledge();
  /// Handles what has arrived, grants no more, and says goodbye; then calls handle_left() of the taker. With an
  /// identity it says so at once: what has arrived is held for the next consumer of that. Requires: not from within the
  /// taker.
  void leave();
  /// Takes no more, and grants none. With an identity the link stays, to acknowledge what was made of what it has
  /// taken. Requires: not from within the taker.
  void stop_taking();
  /// What was handled since the position was saved is void: nothing more is saved or acknowledged.
  void discard() { keeper_.discard(); }
  /// Says goodbye, and why, and takes no more. What has arrived and was not handled is not acknowledged; with an
  /// identity the place is kept for the next consumer that has it. Requires: not from within the taker.
  void stop(std::string_view reason);

  /// It takes nothing any more.
  bool has_left() const { return has_left_; }

  // Any thread.
  std::uint64_t received() const { return received_.load(std::memory_order_relaxed); }
  std::uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }
  std::uint64_t unknown_gaps() const { return unknown_gaps_.load(std::memory_order_relaxed); }
  std::uint64_t malformed() const { return malformed_.load(std::memory_order_relaxed); }
  std::uint64_t passed_over() const { return passed_over_.load(std::memory_order_relaxed); }
  State state() const { return state_.load(std::memory_order_relaxed); }
  const Source& source() const { return options_.subscription.producer; }
  const Selection& topics() const { return options_.subscription.topics; }

 private:
  void open_link(const Id& stage);
  void work();
  void work_later();
  void gather();
  bool receive_frame();
  void end_link();
  void record_left();
  void lose(const std::string& why, Connection::Next next);
  void record_made();
  void handle_time();
  void set_state(State state);

  // InletDriver::Side

  void send(const std::string& bytes) override { connection_.send(bytes); }
  Progress take(core::Inlet& inlet, const std::shared_ptr<net::Frame>& frame) override;
  void handle_gap(const Gap& gap) override;
  void count_malformed() override;
  void handle_control(core::Inlet::Input input) override;
  bool save_position() override { return keeper_.save(driver_->inlet()); }
  void record_handled() override;
  void handle_pause(bool frame_is_handled) override;

  NodeCore& node_;
  Loop& loop_;
  EventTaker& taker_;
  Options options_;
  const core::Demand demand_;
  const Id id_ = Id::random();
  std::uint64_t tick_ = 0;                      // of the node, when the taker was last left for other work
  std::optional<std::uint64_t> draining_upto_;  // as last told
  std::uint64_t passed_before_ = 0;             // over the links before
  std::optional<State> told_state_;
  std::string warned_of_;  // why a link was over, if that was a mistake
  net::Reactor::TimerId timer_ = 0;
  bool work_posted_ = false;
  bool leaves_ = false;    // once what has arrived is handled
  bool has_left_ = false;  // and has told its taker

  std::atomic<std::uint64_t> received_{0};
  std::atomic<std::uint64_t> lost_{0};
  std::atomic<std::uint64_t> unknown_gaps_{0};
  std::atomic<std::uint64_t> malformed_{0};
  std::atomic<std::uint64_t> passed_over_{0};
  std::atomic<State> state_{State::searching};

  std::shared_ptr<Receiver*> self_;  // for what is posted to the loop and may come too late
  PositionKeeper keeper_;
  std::optional<InletDriver> driver_;
  Connection connection_;
};

}  // namespace galena::detail
