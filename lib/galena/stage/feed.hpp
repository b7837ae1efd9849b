// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "galena/detail/handler.hpp"
#include "galena/detail/handler_lock.hpp"
#include "galena/stage/inlet_driver.hpp"
#include "galena/stage/offering.hpp"

namespace galena::detail {

/// What a producer makes of what is ingested from elsewhere.
struct FeedTaker {
  void* handler = nullptr;
  Taken (*on_value)(void* handler, const EventView& value, Output& out) = nullptr;  ///< none: takes (topic, message)
  HandlerLock* lock = nullptr;
};

/// What the feeds of a producer count, before they tell their peers.
struct FeedCounts {
  std::atomic<std::uint64_t> refused{0};
  std::atomic<std::uint64_t> malformed{0};
};

/// Somebody elsewhere who ingests into a producer: the subscribing half of the protocol, turned round. What it sends
/// waits here while the producer's buffer is full; accepted is acknowledged. On the loop's thread.
class Feed final : private InletDriver::Side {
 public:
  using Say = std::function<void(const std::string& bytes)>;

  Feed(OutletDriver& outlet, FeedCounts& counts, const FeedTaker& taker, core::Inlet::Options options, bool values,
       Say say, Time now);

  /// A frame has come. False if the feed is over.
  bool receive(net::Frame frame, Time now);
  /// Takes what waits, as far as there is room. False if the feed is over.
  bool work(Time now);
  /// Heartbeats. False if the other side has been silent for too long.
  bool handle_time(Time now) { return driver_.handle_time(now); }

 private:
  void take(const EventView& event);
  void refuse(const std::string& why);

  // InletDriver::Side

  void send(const std::string& bytes) override { say_(bytes); }
  Progress take(core::Inlet& inlet, const std::shared_ptr<net::Frame>& frame) override;
  void handle_gap(const Gap& gap) override { outlet_.count_gap(gap); }
  void count_malformed() override { ++counts_.malformed; }

  OutletDriver& outlet_;
  FeedCounts& counts_;
  FeedTaker taker_;
  bool values_;
  Say say_;
  Offering made_;  // of the event being read
  InletDriver driver_;
};

}  // namespace galena::detail
