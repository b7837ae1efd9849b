// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "claim.hpp"
#include "core_frames.hpp"
#include "galena/core/inlet.hpp"
#include "galena/core/outlet.hpp"

namespace galena::fuzz {

/// A subscriber that keeps the protocol: an Inlet, and the frames on their way to and from it. Whatever else its
/// publisher was sent, what comes from there is never malformed to it, nor too much, and its events come in order.
///
/// Each payload begins with the number of the event, see numbered().
class Faithful {
 public:
  Faithful(std::string name, Id subscription, Selection selection, core::Demand demand, std::string identity = {})
      : name_(std::move(name)) {
    options_.subscription = subscription;
    options_.consumer = name_;
    options_.selection = std::move(selection);
    options_.demand = demand;
    options_.identity = std::move(identity);
  }
  ~Faithful() { disconnect(); }
  Faithful(const Faithful&) = delete;
  Faithful& operator=(const Faithful&) = delete;

  static std::string numbered(std::uint64_t number, std::size_t size) {
    std::string payload(std::max(size, sizeof number), '.');
    std::memcpy(payload.data(), &number, sizeof number);
    return payload;
  }

  /// The events are not numbered.
  void expect_any_payload() { numbered_ = false; }
  /// Of its present connection; none when there is none.
  const std::string& peer() const { return peer_; }
  bool connected() const { return inlet_ != nullptr; }

  void connect(Time now) {
    ++options_.epoch;
    peer_ = name_ + "#" + std::to_string(options_.epoch);
    inlet_ = std::make_unique<core::Inlet>(options_, now);
    up_.push_back(inlet_->hello());
  }
  /// What is on its way is lost.
  void disconnect() {
    if (inlet_ != nullptr && inlet_->accepted()) options_.previous = inlet_->standing();
    while (!down_.empty()) {
      release(down_.front());
      down_.pop_front();
    }
    inlet_.reset();
    up_.clear();
    peer_.clear();
  }

  void send(core::Parcel parcel) { down_.push_back(std::move(parcel)); }
  /// Its next message arrives at the publisher.
  void deliver_up(core::Outlet& outlet, Time now) {
    if (up_.empty()) return;
    const auto message = core::decode(up_.front());
    claim(message.has_value(), "what a subscriber sends can be read");
    up_.pop_front();
    outlet.handle(peer_, *message, now);
  }
  /// Its next frame arrives; it handles all of it, and says what it should.
  void deliver_down(Time now) {
    if (down_.empty() || inlet_ == nullptr) return;
    const core::Parcel parcel = std::move(down_.front());
    down_.pop_front();
    const auto input = inlet_->handle(parcel.view(), now);
    if (input == core::Inlet::Input::events) handle_events();
    release(parcel);
    check_failure();
    check_gaps();
    if (auto grant = inlet_->poll_grant(down_.empty(), now)) up_.push_back(std::move(*grant));
    if (input == core::Inlet::Input::cancelled || input == core::Inlet::Input::ended) disconnect();
  }
  void heartbeat(Time now) {
    if (inlet_ == nullptr) return;
    if (auto grant = inlet_->poll_heartbeat(now)) up_.push_back(std::move(*grant));
  }

  bool has_messages() const { return !up_.empty(); }
  bool has_frames() const { return !down_.empty(); }
  std::uint64_t handled() const { return handled_; }

 private:
  static void release(const core::Parcel& parcel) {
    if (parcel.segment != nullptr) parcel.segment->release();
  }

  void handle_events() {
    for (EventView event; inlet_->next(event); inlet_->handled()) {
      ++handled_;
      if (!numbered_) continue;
      std::uint64_t number = 0;
      claim(event.payload.size() >= sizeof number, "a payload arrives whole");
      std::memcpy(&number, event.payload.data(), sizeof number);
      claim(number >= next_ || event.repeated, "events come once and in order, or are marked");
      next_ = std::max(next_, number + 1);
    }
  }

  void check_failure() {
    const std::string& why = inlet_->failure().reason;
    for (const auto reason : {core::reason::malformed, core::reason::credit, core::reason::acknowledge,
                              core::reason::version, core::reason::wrong_stage}) {
      if (why == reason) claim(false, "a subscriber that keeps the protocol: " + why + ", " + inlet_->failure().detail);
    }
  }

  void check_gaps() {
    for (const Gap& gap : inlet_->poll_gaps()) {
      claim(gap.from <= gap.upto, "a gap ends behind its begin");
      claim(!gap.count || *gap.count <= gap.upto - gap.from, "a gap has no more events than positions");
    }
  }

  std::string name_;
  std::string peer_;
  core::Inlet::Options options_;
  std::unique_ptr<core::Inlet> inlet_;
  std::deque<core::Parcel> down_;
  std::deque<std::string> up_;
  bool numbered_ = true;
  std::uint64_t next_ = 0;
  std::uint64_t handled_ = 0;
};

}  // namespace galena::fuzz
