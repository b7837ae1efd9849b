// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "galena/core/drops.hpp"
#include "galena/detail/handler_calls.hpp"
#include "galena/detail/handler_lock.hpp"
#include "galena/net/timer.hpp"
#include "galena/options.hpp"
#include "galena/stage/event_taker.hpp"
#include "galena/stage/offering.hpp"
#include "galena/stage/publisher.hpp"
#include "galena/stage/receiver.hpp"
#include "galena/stage/turn_clock.hpp"
#include "galena/stats.hpp"

namespace galena::detail {

/// The subscribing side of a stage: a Receiver for each of its subscriptions, and the handler that takes their events
/// one by one. What a producer-consumer's handler makes of them goes to the publishing side. So does what a producer's
/// or producer-consumer's handler makes without an input, between two of them. On the stage's loop.
class Intake final : public EventTaker {
 public:
  struct Options {
    std::string label;  ///< the stage's, for people
    HandlerCalls calls;
    ProducerConsumerOptions stage;
    Publisher* publisher;  ///< null: it is a consumer
    bool is_relay;
    HandlerLock& handler_lock;
    /// The stage must stop, and why. It is still in a call of a Receiver.
    std::function<void(const std::exception_ptr& failure, const char* why)> fail;
    /// The handler has had enough: no more events are taken. It is still in a call of a Receiver.
    std::function<void()> finish;
    /// The stage was told to stop. Any thread.
    std::function<bool()> is_stopping;
  };

  Intake(NodeCore& node, Options options);

  /// Subscribes.
  void start(Loop& loop, const Id& stage);
  /// Warns of subscriptions that look like mistakes.
  void give_hints() const;

  /// There is room again: for what the handler made, and then for what it makes of its input.
  void go_on();
  /// More of what it made is acknowledged.
  void acknowledge();
  /// Handles what has arrived for subscriptions without an identity, and then calls `done`, perhaps at once. Requires:
  /// not from within a Receiver's call.
  void leave(std::function<void()> done);
  /// Takes no more, and grants none; still acknowledges. The handler is told that no more comes, unless it has failed.
  /// Requires: not from within a Receiver's call; of a producer, that its handler is not called any more.
  void stop_taking();
  /// Says goodbye, and takes no more. A relay's handler is told that no more comes, unless it has failed. Requires: not
  /// from within a Receiver's call.
  void stop(std::string_view reason);
  /// The stage has failed: the handler is not called any more.
  void abandon_handler();
  /// Ends the subscriptions.
  void end() { receivers_.clear(); }
  /// Counts as dropped what was made and has found no room. Returns how many events that were.
  std::size_t abandon() { return made_ ? made_->abandon() : 0; }

  // Any thread.

  /// Something was made that has found no room yet.
  bool waits() const { return made_ && made_->waits(); }
  ConsumerStats stats() const;

 private:
  // EventTaker

  Progress take(Reading reading) override;
  void handle_pause() override;
  void handle_idle() override;
  void handle_state(const Source& of, State state) override;
  void handle_gap(const Source& of, const Gap& gap) override;
  void handle_superseded(const Source& of) override;
  void handle_left() override;
  std::uint64_t made_upto() override;
  std::uint64_t acknowledged_upto() override;

  template <class Call>
  Progress guard_handler(Call call);
  void tick();
  void end_handler();
  void make(void (*call)(void* handler, Output& out));
  Progress relay(Reading& reading);
  Progress consume(Reading& reading);
  std::optional<Progress> pass_batch(const Reading& reading);
  bool note_mismatch(const EventView& event, const Source& from);
  void discard_effects();
  template <class Call>
  void guard(Call call);

  const ConsumerOptions& subscribe() const { return options_.stage.subscribe; }

  NodeCore& node_;
  const Options options_;
  const HandlerCalls& calls_ = options_.calls;
  const bool acknowledges_downstream_;
  bool handler_threw_ = false;   // nothing is handed to it any more
  bool handler_failed_ = false;  // it threw something but Enough, or its stage has failed
  bool handler_ended_ = false;   // no input comes any more, and it was told so
  bool tick_is_due_ = false;     // as soon as there is room
  Time next_tick_ = never;
  std::optional<net::Timer> tick_timer_;
  TurnClock turn_;                // of a producer-consumer's handler
  std::optional<Offering> made_;  // what that handler made of its input
  mutable std::mutex mutex_;      // guards the next one
  core::DropCounter mismatches_;
  std::function<void()> on_left_;
  std::vector<std::unique_ptr<Receiver>> receivers_;
};

}  // namespace galena::detail
