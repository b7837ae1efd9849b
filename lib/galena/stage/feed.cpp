// SPDX-License-Identifier: Apache-2.0
#include "galena/stage/feed.hpp"

#include <exception>
#include <mutex>

#include "galena/stage/publisher.hpp"

namespace galena::detail {

Feed::Feed(Publisher& publisher, const FeedTaker& taker, core::Inlet::Options options, bool values, Say say, Time now)
    : publisher_(publisher),
      taker_(taker),
      inlet_(std::move(options), now),
      values_(values),
      say_(std::move(say)),
      made_(publisher.driver()) {
  say_(inlet_.hello());
}

bool Feed::receive(net::Frame frame, Time now) {
  frames_bytes_ += frame.bytes().size();
  frames_.push_back(std::move(frame));
  const core::Demand& demand = inlet_.options().demand;
  if (frames_.size() > 2 * demand.max_events ||
      frames_bytes_ > 2 * demand.max_bytes + publisher_.driver().largest_event()) {
    return fail(core::encode(core::Cancel{std::string(core::reason::credit), "more was sent than was granted"}));
  }
  return work(now);
}

bool Feed::work(Time now) {
  using Input = core::Inlet::Input;
  if (made_.waits()) {
    if (!made_.retry()) return true;
    finish_event(now);
  }
  for (;;) {
    for (EventView event; reading_ && inlet_.next(event);) {
      take(event);
      if (made_.waits()) return true;
      finish_event(now);
    }
    if (reading_) {
      reading_ = false;
      pop_frame();
      if (!inlet_.failure().reason.empty()) return fail(inlet_.farewell());
    }
    if (frames_.empty()) break;
    const Input input = inlet_.handle(frames_.front().bytes(), now);
    if (input == Input::events) {
      reading_ = true;
      continue;
    }
    pop_frame();
    if (input == Input::malformed) return fail(inlet_.farewell());
    if (input == Input::cancelled || input == Input::ended) return false;
  }
  if (const auto grant = inlet_.poll_grant(true, now)) say_(*grant);
  return true;
}

void Feed::pop_frame() {
  frames_bytes_ -= frames_.front().bytes().size();
  frames_.pop_front();
}

bool Feed::fail(const std::string& farewell) {
  publisher_.count_malformed();
  say_(farewell);
  return false;
}

void Feed::finish_event(Time now) {
  inlet_.handled();
  if (!inlet_.attention()) return;
  inlet_.poll_gaps();  // what its sender dropped, its sender knows
  if (const auto grant = inlet_.poll_grant(false, now)) say_(*grant);
}

/// Takes the event, or keeps what is made of it and finds no room, or refuses it.
void Feed::take(const EventView& event) {
  try {
    if (!values_) {
      made_.put(event);
      return;
    }
    const std::lock_guard guard(*taker_.lock);
    const Taken taken = taker_.on_value(taker_.handler, event, made_);
    if (taken == Taken::mismatch) refuse("the value is not of the type that this producer's handle_produce takes");
    if (taken == Taken::no_type) refuse("this producer's handle_produce does not say which type it takes");
  } catch (const std::exception& error) {
    refuse(error.what());
  } catch (...) {
    refuse("its handler failed");
  }
}

void Feed::refuse(const std::string& why) {
  publisher_.count_refused();
  say_(core::encode(core::Refuse{inlet_.handled_events() + 1, why}));
}

bool Feed::handle_time(Time now) {
  if (!frames_.empty()) inlet_.handle_busy(now);  // this side has not been listening
  if (inlet_.silent(now)) return false;
  if (const auto heartbeat = inlet_.poll_heartbeat(now)) say_(*heartbeat);
  return true;
}

}  // namespace galena::detail
