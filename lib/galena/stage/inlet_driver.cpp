// SPDX-License-Identifier: Apache-2.0
#include "galena/stage/inlet_driver.hpp"

#include <algorithm>
#include <utility>

#include "galena/base/add_capped.hpp"
#include "galena/base/assert.hpp"

namespace galena::detail {
namespace {

using Input = core::Inlet::Input;

constexpr int frames_a_turn = 16;
/// Frames without events (heartbeats, gaps) that may wait besides those that were granted: days of heartbeats.
constexpr std::size_t most_waiting_controls = 1 << 17;
/// A demand may be larger, but no frames of so many events wait: their bytes are bounded, too.
constexpr std::uint64_t most_waiting_events = 1 << 30;
constexpr Duration accept_within = std::chrono::seconds(3);

}  // namespace

InletDriver::InletDriver(Side& side, core::Inlet::Options options, Time now)
    : side_(side), inlet_(std::move(options), now), began_(now) {}

bool InletDriver::add(net::Frame frame) {
  if (!takes()) return true;
  waiting_bytes_ += frame.bytes().size();
  waiting_.push_back(std::move(frame));
  // Twice, because what was granted before counts as well.
  const std::uint64_t most_events = std::min(inlet_.options().demand.max_events, most_waiting_events);
  if (waiting_.size() > 2 * most_events + most_waiting_controls ||
      waiting_bytes_ > add_capped(2 * inlet_.window_bytes(), inlet_.options().largest_event)) {
    fail({std::string(core::reason::credit), "more was sent than was granted"});
    return false;
  }
  check();
  return true;
}

InletDriver::Work InletDriver::work(Time now) {
  for (int frames = 0;; ++frames) {
    if (state_ == State::reading) {
      const Work work = read(now);
      if (work != Work::idle) return work;
    }
    if (state_ != State::idle) return end_ == Input::nothing ? Work::waits : Work::over;
    if (waiting_.empty()) return Work::idle;
    if (frames == frames_a_turn) return Work::later;
    if (!begin_frame(now)) return Work::over;
  }
}

/// False if the link is over.
bool InletDriver::begin_frame(Time now) {
  frame_ = std::make_shared<net::Frame>(std::move(waiting_.front()));
  waiting_.pop_front();
  waiting_bytes_ -= frame_->bytes().size();
  const Input input = inlet_.handle(frame_->bytes(), now);
  if (input == Input::events) {
    enter(State::reading);
    if (inlet_.attention()) tell_gaps();
    return true;
  }
  frame_.reset();
  if (input == Input::malformed) {
    fail(inlet_.failure());
    return false;
  }
  if (input == Input::ended || input == Input::cancelled) {
    end_ = input;
    reason_ = inlet_.failure();
    enter(State::stopped);
    return false;
  }
  side_.handle_control(input);
  tell_gaps();
  return true;
}

InletDriver::Work InletDriver::read(Time now) {
  for (;;) {
    const Progress progress = side_.take(inlet_, frame_);
    GALENA_ASSERT(state_ == State::reading, "a taker of events must not change the link that it takes them from");
    switch (progress) {
      case Progress::handled:
        handle_progress(now);
        continue;
      case Progress::yields:
        handle_progress(now);
        return Work::later;
      case Progress::blocked:
      case Progress::waits:
      case Progress::failed:
        enter(progress == Progress::blocked ? State::unfinished
              : progress == Progress::waits ? State::blocked
                                            : State::stopped);
        side_.handle_pause(false);
        return Work::waits;
      case Progress::read:
        break;
    }
    break;
  }
  enter(State::idle);
  side_.handle_pause(true);
  if (inlet_.failure().reason.empty()) return Work::idle;
  fail(inlet_.failure());
  return Work::over;
}

void InletDriver::handle_progress(Time now) {
  side_.record_handled();
  if (!inlet_.attention()) return;
  tell_gaps();
  grant(false, now);
}

void InletDriver::tell_gaps() {
  for (const Gap& gap : inlet_.poll_gaps()) side_.handle_gap(gap);
}

void InletDriver::handle_idle(Time now) {
  inlet_.handle_idle(now);
  grant(true, now);
}

void InletDriver::grant(bool idle, Time now) {
  if (!inlet_.grant_waits(idle) || !side_.save_position()) return;
  if (const auto grant = inlet_.poll_grant(idle, now)) side_.send(*grant);
}

void InletDriver::resume(Time now) {
  const State before = state_;
  if (before == State::blocked) enter(State::reading);
  if (before != State::unfinished && before != State::last_event) return;
  inlet_.handled();
  enter(before == State::unfinished ? State::reading : State::draining);
  handle_progress(now);
}

void InletDriver::stop_taking() {
  if (!takes()) return;
  waiting_.clear();
  waiting_bytes_ = 0;
  enter(state_ == State::unfinished ? State::last_event : State::draining);
  inlet_.stop_granting();
}

void InletDriver::finish() {
  if (state_ == State::unfinished || state_ == State::last_event) inlet_.handled();
  enter(State::stopped);
}

bool InletDriver::handle_time(Time now) {
  if (inlet_.accepted()) {
    if (const auto heartbeat = inlet_.poll_heartbeat(now)) side_.send(*heartbeat);
  }
  if (state_ != State::idle || !waiting_.empty()) {
    inlet_.handle_busy(now);  // what the peer has said may wait unread
    return true;
  }
  return inlet_.accepted() ? !inlet_.silent(now) : now - began_ <= std::min(accept_within, inlet_.options().silence);
}

void InletDriver::fail(core::Cancel farewell) {
  reason_ = std::move(farewell);
  side_.count_malformed();
  side_.send(core::encode(reason_));
  end_ = Input::malformed;
  enter(State::stopped);
}

void InletDriver::enter(State state) {
  state_ = state;
  if (state == State::idle) frame_.reset();
  if (state == State::stopped) {
    waiting_.clear();
    waiting_bytes_ = 0;
  }
  check();
}

void InletDriver::check() const {
  const bool needs_frame = state_ == State::reading || state_ == State::blocked || state_ == State::unfinished;
  GALENA_ASSERT(!needs_frame || frame_ != nullptr, "events are read from a frame");
  GALENA_ASSERT(state_ != State::idle || frame_ == nullptr, "a frame that was read to its end is kept");
  GALENA_ASSERT(takes() || waiting_.empty(), "frames wait that nobody will read");
  GALENA_ASSERT(!waiting_.empty() || waiting_bytes_ == 0, "the bytes that wait are miscounted");
  GALENA_ASSERT(end_ == Input::nothing || state_ == State::stopped, "a link that is over is still read");
}

}  // namespace galena::detail
