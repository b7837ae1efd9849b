// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "galena/core/inlet.hpp"
#include "galena/net/socket.hpp"

namespace galena::detail {

/// How far a taker of events came.
enum class Progress : std::uint8_t {
  read,     ///< the frame has no more events
  handled,  ///< one event or several are handled: the inlet may want to say something
  yields,   ///< the same, and it is time for something else on this thread
  blocked,  ///< an event was taken, but what was made of it has no room yet: call resume() when it has
  waits,    ///< nothing was taken: there is no room yet; call resume() when there is
  failed,   ///< nothing is to be read any more
};

/// Drives one core::Inlet, whichever side connected: keeps the frames that wait, hands their events to a taker one
/// after the other, stops while the taker has no room, grants credit, keeps the link alive, and tells gaps. What
/// differs between a consumer's subscription and ingest from elsewhere is the Side.
///
/// A malformed frame, or more than was granted, is counted, answered with a farewell, and ends the link.
class InletDriver {
 public:
  class Side {
   public:
    /// To the peer.
    virtual void send(const std::string& bytes) = 0;
    /// Hands events of the inlet to whoever takes them. `frame` is where they lie.
    virtual Progress take(core::Inlet& inlet, const std::shared_ptr<net::Frame>& frame) = 0;
    virtual void handle_gap(const Gap& gap) = 0;
    virtual void count_malformed() = 0;
    /// The peer has said something that is neither events nor the end of the link.
    virtual void handle_control(core::Inlet::Input) {}
    /// Called before anything is acknowledged. False: then nothing may be acknowledged or granted.
    virtual bool save_position() { return true; }
    /// An event was handled, or several.
    virtual void record_handled() {}
    /// Nothing more is read for now: all of a frame is handled, or the taker has no room.
    virtual void handle_pause(bool /*frame_is_handled*/) {}

    Side() = default;
    Side(const Side&) = delete;
    Side& operator=(const Side&) = delete;

   protected:
    ~Side() = default;
  };

  /// Invariant: `reading`, `blocked` and `unfinished` have a frame that is not read to its end; `idle` has none;
  /// frames wait in the first four states only.
  enum class State : std::uint8_t {
    idle,        ///< nothing is being read
    reading,     ///< a frame is being read
    blocked,     ///< the taker has no room for the next event
    unfinished,  ///< the taker has taken an event and has no room for what it made of it
    last_event,  ///< the same, and nothing more is taken
    draining,    ///< nothing more is taken; what was taken may still be acknowledged
    stopped,     ///< the taker has failed, or the link is over
  };
  enum class Work : std::uint8_t {
    idle,   ///< everything that came has been handled
    later,  ///< others on this thread should have their turn: call work() again soon
    waits,  ///< until resume(), or for good
    over,   ///< the link is over: see end()
  };

  InletDriver(Side& side, core::Inlet::Options options, Time now);

  /// A frame has come: it waits for work(). (One that comes when nothing more is taken is dropped.) False if the link
  /// is over because far more came than was granted.
  [[nodiscard]] bool add(net::Frame frame);
  /// Reads what waits, a bounded number of frames.
  Work work(Time now);
  /// Nothing is left to be received: what was handled is acknowledged.
  void handle_idle(Time now);
  /// Acknowledges and grants what is due. `idle`: also what is not due yet.
  void grant(bool idle, Time now);
  /// The taker has room again.
  void resume(Time now);
  /// Grants no more: what was granted may still come, and is taken.
  void stop_granting() { inlet_.stop_granting(); }
  /// Takes no more events and grants none. Requires: not from within take().
  void stop_taking();
  /// The link is over: an event of which all was made that will be made counts as handled.
  void finish();
  /// Sends a heartbeat if one is due. False if the peer has been silent for too long.
  [[nodiscard]] bool handle_time(Time now);

  State state() const { return state_; }
  const core::Inlet& inlet() const { return inlet_; }
  core::Inlet& inlet() { return inlet_; }
  /// Why the link is over: `ended`, `cancelled` or `malformed`. Requires: it is.
  core::Inlet::Input end() const { return end_; }
  /// What was said about that, by the peer or to it. Empty while the link is not over.
  const core::Cancel& reason() const { return reason_; }

 private:
  bool begin_frame(Time now);
  Work read(Time now);
  void handle_progress(Time now);
  void tell_gaps();
  void fail(core::Cancel farewell);
  bool takes() const { return state_ <= State::unfinished; }
  void enter(State state);
  void check() const;

  Side& side_;
  core::Inlet inlet_;
  const Time began_;
  State state_ = State::idle;
  core::Inlet::Input end_ = core::Inlet::Input::nothing;
  core::Cancel reason_;
  std::shared_ptr<net::Frame> frame_;  // being read
  std::deque<net::Frame> waiting_;
  std::uint64_t waiting_bytes_ = 0;
};

}  // namespace galena::detail
