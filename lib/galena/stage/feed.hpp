// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "galena/core/inlet.hpp"
#include "galena/detail/handler.hpp"
#include "galena/detail/handler_lock.hpp"
#include "galena/net/socket.hpp"
#include "galena/stage/offering.hpp"

namespace galena::detail {

class Publisher;

/// What a producer makes of what is ingested from elsewhere.
struct FeedTaker {
  void* handler = nullptr;
  Taken (*on_value)(void* handler, const EventView& value, Output& out) = nullptr;  ///< none: takes (topic, message)
  HandlerLock* lock = nullptr;
};

/// Somebody elsewhere who ingests into a producer: the subscribing half of the protocol, turned round. What it sends
/// waits here while the producer's buffer is full; accepted is acknowledged. On the loop's thread.
class Feed {
 public:
  using Say = std::function<void(const std::string& bytes)>;

  Feed(Publisher& publisher, const FeedTaker& taker, core::Inlet::Options options, bool values, Say say, Time now);

  /// A frame has come. False if the feed is over.
  bool receive(net::Frame frame, Time now);
  /// Takes what waits, as far as there is room. False if the feed is over.
  bool work(Time now);
  /// Heartbeats. False if the other side has been silent for too long.
  bool handle_time(Time now);

 private:
  void pop_frame();
  bool fail(const std::string& farewell);
  void take(const EventView& event);
  void finish_event(Time now);
  void refuse(const std::string& why);

  Publisher& publisher_;
  FeedTaker taker_;
  core::Inlet inlet_;
  bool values_;
  Say say_;
  std::deque<net::Frame> frames_;  // bounded by the credit that was granted; who sends more is cut off
  std::uint64_t frames_bytes_ = 0;
  bool reading_ = false;  // the first of them
  Offering made_;         // of the event being read
};

}  // namespace galena::detail
