// SPDX-License-Identifier: Apache-2.0
// A subscription's window in bytes: one producer that always has more, one consumer, and a link with a delay, in
// virtual time.
#include "galena/core/window.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "frames.hpp"
#include "galena/core/inlet.hpp"
#include "galena/core/outlet.hpp"

namespace galena::core::test {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t small = 2 << 20;
constexpr std::uint64_t large = 32 << 20;

/// Steps of 100 us. What is sent arrives `delay` later. The producer makes as much as there is room for, and the
/// consumer handles 100 kB (1 GB/s), or each one event, only every so many steps.
class DelayedLink {
 public:
  Duration delay = Duration::zero();
  int steps_to_make = 0;
  int steps_to_handle = 0;

  explicit DelayedLink(Demand demand) : inlet_({.demand = demand}, now_) {
    Outlet::Options options{.buffer = {.limit_bytes = 64 << 20}};
    options.stage.bytes[0] = options.stream.bytes[0] = 1;
    outlet_.emplace(options, now_);
    outlet_->handle("c", *decode(inlet_.hello()), now_);
  }

  /// Returns how many bytes were handled in that time.
  std::uint64_t run(Duration time) {
    const std::uint64_t before = handled_;
    for (const Time end = now_ + time; now_ < end; now_ += 100us) step();
    return handled_ - before;
  }
  std::uint64_t window() const { return inlet_.window_bytes(); }

 private:
  struct Way {
    Time due;
    std::string bytes;
  };

  void step() {
    ++steps_;
    const std::string payload(4096, 'x');
    if (steps_to_make == 0 || steps_ % steps_to_make == 0) {
      while (outlet_->append({"t", payload}) == Outlet::Answer::accepted && steps_to_make == 0) {
      }
    }
    std::vector<Parcel> parcels;
    outlet_->poll(parcels, now_);
    for (Parcel& parcel : parcels) {
      down_.push_back({now_ + delay, std::string(parcel.view())});
      if (parcel.segment != nullptr) parcel.segment->release();
    }
    if (steps_to_handle == 0 || steps_ % steps_to_handle == 0) consume(steps_to_handle == 0 ? 100'000 : 1);
    while (!up_.empty() && up_.front().due <= now_) {
      outlet_->handle("c", *decode(up_.front().bytes), now_);
      up_.pop_front();
    }
  }

  void consume(std::uint64_t budget) {
    while (budget > 0) {
      if (!reading_) {
        if (down_.empty() || down_.front().due > now_) {
          inlet_.handle_idle(now_);
          say(true);
          return;
        }
        frame_ = std::move(down_.front().bytes);
        down_.pop_front();
        reading_ = inlet_.handle(frame_, now_) == Inlet::Input::events;
        continue;
      }
      EventView event;
      if (!inlet_.next(event)) {
        reading_ = false;
        continue;
      }
      inlet_.handled();
      handled_ += event.payload.size();
      budget -= std::min<std::uint64_t>(budget, event.payload.size());
      if (inlet_.attention()) say(false);
    }
  }

  void say(bool idle) {
    if (const auto grant = inlet_.poll_grant(idle, now_)) up_.push_back({now_ + delay, *grant});
  }

  Time now_ = Time{} + 1h;
  int steps_ = 0;
  Inlet inlet_;
  std::optional<Outlet> outlet_;
  std::deque<Way> down_;
  std::deque<Way> up_;
  std::string frame_;
  bool reading_ = false;
  std::uint64_t handled_ = 0;
};

constexpr Demand tuned{.max_bytes = small, .most_bytes = large};

TEST_CASE("a window grows while the delay of its link is what limits, to its bound and no further") {
  DelayedLink link(tuned);
  link.delay = 20ms;
  link.run(2s);
  CHECK(link.window() == large);
  DelayedLink best({.max_bytes = large});
  best.delay = 20ms;
  best.run(2s);
  CHECK(link.run(1s) >= best.run(1s) / 10 * 9);
}

TEST_CASE("without a delay that matters a window stays as it is") {
  DelayedLink link(tuned);
  link.run(2s);
  CHECK(link.window() == small);
}

TEST_CASE("a producer that makes little does not let the window grow, however far it is") {
  DelayedLink link(tuned);
  link.delay = 20ms;
  link.steps_to_make = 4;  // 10 MB/s
  link.run(5s);
  CHECK(link.window() == small);
}

TEST_CASE("a window shrinks again while the handler is what limits") {
  DelayedLink link(tuned);
  link.delay = 20ms;
  link.run(2s);
  REQUIRE(link.window() == large);
  link.steps_to_handle = 4;
  link.run(60s);
  CHECK(link.window() == small);
}

TEST_CASE("a window that was set stays what it was set to") {
  DelayedLink link({.max_bytes = small});
  link.delay = 20ms;
  link.run(2s);
  CHECK(link.window() == small);
}

}  // namespace
}  // namespace galena::core::test
