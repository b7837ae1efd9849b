// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "galena/base/process.hpp"
#include "galena/core/outlet.hpp"
#include "galena/detail/lock.hpp"
#include "galena/logger.hpp"
#include "galena/stage/door.hpp"
#include "galena/stage/loop.hpp"
#include "galena/stage/release_hook.hpp"
#include "galena/until.hpp"

namespace galena::detail {

/// Runs an Outlet: puts events into it from any thread, and on the stage's loop hands what it has to send to a Door.
/// Publisher and RemoteProducer each have one.
///
/// One lock guards the Outlet and is all that two threads share. Events are put under it, the loop polls under it and
/// sends outside it; neither a handler nor the packing of a message runs under it.
class OutletDriver {
 public:
  struct Options {
    core::Outlet::Options outlet = {};
    std::string label;                                     ///< the stage's name, for log lines and errors
    bool shares_loop = false;                              ///< other stages run on the loop, and may put events here
    std::function<void()> on_room = {};                    ///< what was full has room again
    std::function<void(std::size_t)> on_subscribers = {};  ///< how many there are now
    std::function<void()> on_acknowledged = {};            ///< acknowledged_upto() has moved
    /// What became of a subscriber.
    std::function<void(const core::Outlet::Change&)> on_change = {};
  };

  /// On the loop, as the destructor.
  OutletDriver(Loop& loop, Door& door, const Logger& logger, Options options);
  ~OutletDriver();
  OutletDriver(const OutletDriver&) = delete;
  OutletDriver& operator=(const OutletDriver&) = delete;

  // Any thread.

  /// Takes the event, and waits for room until `deadline`; `never` is for ever, and what lies in the past does not
  /// wait. False if the deadline passed, or a stop was requested: then it was not taken. Throws Error: invalid, if the
  /// event is too large, or instead of waiting on a thread that stages share; stopped, after close(), or instead of
  /// waiting for ever after end_waits().
  bool put(const EventView& event, Time deadline, const std::stop_token* stop = nullptr);
  /// The same for several, in order. With a deadline or a stop all of them are taken at once, or none.
  bool put(std::span<const EventView> events, Time deadline, const std::stop_token* stop = nullptr);
  /// The same without waiting, for what says where it comes from. False if there is no room.
  bool offer(const EventView& event, core::Provenance* from);
  /// A whole batch of a received frame, which `frame` keeps, and which nobody else reads: it is passed on where it
  /// lies. `too_large`: it has to be taken apart.
  core::Outlet::Answer adopt(std::span<char> batch, std::uint32_t count, std::shared_ptr<void> frame,
                             std::size_t frame_bytes);

  /// Waits until everything that was put has been acknowledged. True if nothing was dropped meanwhile.
  bool drain(const Until& until, const std::function<bool()>& is_ready);
  bool wait_for_subscribers(std::size_t count, const Until& until);
  /// Ends all waits: put() throws Error (stopped), the others return false. From now on nobody waits without a
  /// deadline.
  void end_waits();
  /// The same; and from now on nothing is taken.
  void close();

  /// Tells subscribers that events of this stage's input are missing. On the loop.
  void append_gap();
  /// Counts an event that was made and will not be put.
  void count_abandoned(const EventView& event);
  /// Counts events as dropped that a program which ingests here could not deliver.
  void count_gap(const Gap& gap);

  /// Calls `look` with the Outlet, under the lock.
  template <class Look>
  auto with_outlet(Look look) {
    const std::lock_guard guard(lock_);
    return look(outlet_);
  }
  /// Events taken, since the start.
  std::uint64_t taken() const { return taken_; }  // under the lock
  const core::DropCounter& abandoned() const { return abandoned_; }
  std::uint64_t largest_event() const { return outlet_.buffer().largest_event(); }

  // The loop's thread.

  /// A message from a peer.
  void handle(const std::string& peer, const core::Message& message, Time now);
  /// What came from a peer could not be read: `why`, for people.
  void handle_malformed(const std::string& peer, const std::string& why);
  void handle_gone(const std::string& peer, Time now);
  /// Sends what there is to send.
  void transmit();
  /// Called once, on the loop, when everything that was taken is acknowledged.
  std::function<void()> on_drained = {};
  /// Called for each peer that a message could not be sent to, instead of handle_gone().
  std::function<void(const std::string& peer)> on_unreachable = {};

 private:
  enum class Room : std::uint8_t { maybe, late, stopped };

  bool put_later(const EventView& event, core::Outlet::Answer answer, Time deadline, const std::stop_token* stop);
  Room wait_for_room(std::unique_lock<Lock>& lock, Time deadline, const std::stop_token* stop);
  template <class Done>
  bool wait(std::condition_variable_any& changed, std::unique_lock<Lock>& lock, Time deadline,
            const std::stop_token* stop, Done done);
  void unlock();
  [[noreturn]] void refuse_size(const EventView& event) const;
  [[noreturn]] void refuse_stopped() const;
  void handle_time();
  void transmit_later();
  void send(core::Parcel& parcel);
  void tell_subscribers();

  Loop& loop_;
  Door& door_;
  const Logger& logger_;
  Options options_;
  const ProcessMark process_;

  Lock lock_;                            // guards these
  std::condition_variable_any room_;     // memory became free: nobody is woken for less
  std::condition_variable_any changed_;  // acknowledgements, subscribers
  core::Outlet outlet_;
  std::uint64_t taken_ = 0;
  core::DropCounter abandoned_;
  bool wake_pending_ = false;
  bool room_found_ = false;       // by a thread that waited; the others are still to be told
  std::uint64_t room_turns_ = 0;  // how often memory became free
  std::size_t waiting_ = 0;       // calls that wait
  bool ever_subscribed_ = false;
  bool waits_end_ = false;
  std::uint64_t ended_waits_ = 0;  // how often
  bool closed_ = false;

  // The loop's thread only.
  std::vector<core::Parcel> parcels_;
  std::size_t told_subscribers_ = 0;
  std::uint64_t told_acknowledged_ = 0;
  net::Reactor::TimerId timer_ = 0;
  net::Reactor::TimerId due_timer_ = 0;  // ends the holding back of small batches
  std::shared_ptr<OutletDriver*> self_ = std::make_shared<OutletDriver*>(this);  // for what may be posted too late
  std::shared_ptr<ReleaseHook> hook_;
};

}  // namespace galena::detail
