// SPDX-License-Identifier: Apache-2.0
#include "galena/stage/feed.hpp"

#include <exception>
#include <mutex>
#include <utility>

namespace galena::detail {

Feed::Feed(OutletDriver& outlet, FeedCounts& counts, const FeedTaker& taker, core::Inlet::Options options, bool values,
           Say say, Time now)
    : outlet_(outlet),
      counts_(counts),
      taker_(taker),
      values_(values),
      say_(std::move(say)),
      made_(outlet),
      driver_(*this, std::move(options), outlet.largest_event(), now) {
  say_(driver_.inlet().hello());
}

bool Feed::receive(net::Frame frame, Time now) { return driver_.add(std::move(frame)) && work(now); }

bool Feed::work(Time now) {
  using Work = InletDriver::Work;
  if (made_.waits() && !made_.retry()) return true;
  driver_.resume(now);
  Work work = Work::later;
  while (work == Work::later) work = driver_.work(now);
  if (work == Work::idle) driver_.handle_idle(now);
  return work != Work::over;
}

Progress Feed::take(core::Inlet& inlet, const std::shared_ptr<net::Frame>&) {
  for (EventView event; inlet.next(event);) {
    take(event);
    if (made_.waits()) return Progress::blocked;
    inlet.handled();
    if (inlet.attention()) return Progress::handled;
  }
  return Progress::read;
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
    if (taken == Taken::no_type)
      refuse("this producer's handle_produce takes no value that its program can unpack (see galena/codec.hpp)");
  } catch (const std::exception& error) {
    refuse(error.what());
  } catch (...) {
    refuse("its handler failed");
  }
}

void Feed::refuse(const std::string& why) {
  ++counts_.refused;
  say_(core::encode(core::Refuse{driver_.inlet().handled_events() + 1, why}));
}

}  // namespace galena::detail
