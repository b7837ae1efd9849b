// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "galena/net/timer.hpp"
#include "galena/stage/inlet_driver.hpp"
#include "galena/stage/offering.hpp"
#include "galena/stage/value_calls.hpp"

namespace galena::detail {

/// What the feeds of a producer count, before they tell their peers.
struct FeedCounts {
  std::atomic<std::uint64_t> refused{0};
  std::atomic<std::uint64_t> malformed{0};
};

/// Somebody elsewhere who ingests into a producer: the subscribing half of the protocol, turned round. What it sends
/// waits here while the producer's buffer is full, or its handler runs; accepted is acknowledged. On the loop's thread.
class Feed final : private InletDriver::Side {
 public:
  struct Options {
    core::Inlet::Options inlet;
    std::function<void(const std::string& bytes)> say;  ///< to the peer
    std::function<void()> work_again;                   ///< calls work() soon
    std::shared_ptr<ValueCalls> calls;                  ///< of the handler; null: events are taken as they are
  };

  Feed(net::Reactor& reactor, OutletDriver& outlet, FeedCounts& counts, Options options, Time now);
  ~Feed();

  /// A frame has come. False if the feed is over.
  bool receive(net::Frame frame, Time now);
  /// Takes what waits, as far as there is room and the handler has returned. False if the feed is over.
  bool work(Time now);
  /// Heartbeats. False if the other side has been silent for too long.
  bool handle_time(Time now) { return driver_.handle_time(now); }

 private:
  Progress take_events(core::Inlet& inlet);
  Progress take_values(core::Inlet& inlet, const std::shared_ptr<net::Frame>& frame);
  void refuse(std::uint64_t delivery, const std::string& why);

  // InletDriver::Side

  void send(const std::string& bytes) override { options_.say(bytes); }
  Progress take(core::Inlet& inlet, const std::shared_ptr<net::Frame>& frame) override {
    return options_.calls ? take_values(inlet, frame) : take_events(inlet);
  }
  void handle_gap(const Gap& gap) override { outlet_.count_gap(gap); }
  void count_malformed() override { ++counts_.malformed; }

  OutletDriver& outlet_;
  FeedCounts& counts_;
  const Options options_;
  Offering waiting_;  // an event that is taken as it is, without room so far
  std::vector<EventView> run_;
  net::Timer look_;  // at the answers to the calls that go on
  InletDriver driver_;
};

}  // namespace galena::detail
