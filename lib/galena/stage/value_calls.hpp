// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "galena/detail/handler.hpp"
#include "galena/detail/handler_lock.hpp"
#include "galena/net/socket.hpp"
#include "galena/stage/loop.hpp"
#include "galena/stage/offering.hpp"
#include "galena/stage/turn_clock.hpp"

namespace galena::detail {

/// A producer's handler, for values that are ingested from elsewhere.
struct ValueHandler {
  void* handler = nullptr;
  Taken (*on_value)(void* handler, const EventView& value, Output& out) = nullptr;  ///< null: there is no handler
  HandlerLock* lock = nullptr;
};

/// Calls a producer's handler for the values of one feed, a run of them at a time and in order, on the loop that the
/// producer has for this. The feed, on the stage's loop, hands over the run and asks for the answers. It may go while
/// the handler runs: this object then ends behind that call.
class ValueCalls final : public std::enable_shared_from_this<ValueCalls> {
 public:
  struct Refusal {
    std::uint64_t number;  ///< of the value, counted from 1 over the values that were not answered before
    std::string why;
  };
  struct Answers {
    std::uint64_t count = 0;  ///< values that were taken or refused
    std::vector<Refusal> refusals;
  };
  static constexpr std::size_t max_run = 1024;

  /// `answered` is called on the stage's loop: there are answers, or the run is over, or there is no room for what the
  /// handler made. It may abandon this object.
  ValueCalls(OutletDriver& outlet, const ValueHandler& handler, Loop& handlers, Loop& stage,
             std::function<void()> answered);

  // The stage's loop.

  /// All values of the last run are answered: another may be handed over.
  bool is_idle() const { return run_.empty(); }
  /// Begins the calls. The values lie in `frame`. Requires: is_idle(), and one value to max_run of them.
  void start(const std::vector<EventView>& run, std::shared_ptr<net::Frame> frame);
  /// What has been answered since this was last asked. Goes on after a value whose events had no room. If something was
  /// answered and the run is not over, `answered` is not called for the next answers: ask again soon.
  Answers poll();
  /// No further call is made, and nobody is told of answers.
  void abandon() { abandoned_ = true; }

 private:
  enum class Phase : std::uint8_t {
    idle,     // no call is to be made
    running,  // the handlers' thread makes calls
    no_room,  // it stopped behind a call, because what that made has no room yet
  };

  void post_run();
  void run();
  bool call(const EventView& value);
  std::optional<std::string> refusal_of(const EventView& value);
  void tell();

  const ValueHandler handler_;
  Loop& handlers_;
  Loop& stage_;
  const std::function<void()> answered_;
  std::atomic<bool> abandoned_{false};

  // While `running` the handlers' thread's, else the stage's.
  Offering made_;  // of the value that the handler was called for last
  std::size_t next_ = 0;

  TurnClock turn_;               // the handlers' thread's
  std::vector<EventView> run_;   // changed in other phases than `running`, by the stage's thread
  std::shared_ptr<void> frame_;  // the same

  std::mutex mutex_;  // guards these
  Phase phase_ = Phase::idle;
  Answers answers_;
  bool told_ = false;  // of `running`: the feed will look at the answers
};

}  // namespace galena::detail
