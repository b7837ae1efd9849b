// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "env.hpp"
#include "galena/core/inlet.hpp"
#include "galena/core/ledger.hpp"
#include "wire.hpp"

namespace galena::sim {

/// Whose subscription it is.
class Taker {
 public:
  /// An event is handled. False if what was made of it has no room yet: Subscriber::resume() when it has.
  virtual bool take(Subscriber& from, const EventView& event) = 0;
  /// The stream of what this stage publishes; none if it does not.
  virtual Publisher* publisher() = 0;

  Taker() = default;
  virtual ~Taker() = default;
  Taker(const Taker&) = delete;
  Taker& operator=(const Taker&) = delete;
};

/// One subscription of one process: an Inlet for each of its connections. Does what the stage layer's receiver does.
class Subscriber {
 public:
  /// `store` outlives the process, if the plan has one.
  Subscriber(Env& env, Taker& taker, const SubscriptionPlan& plan, std::uint32_t life, std::uint32_t actor,
             std::optional<core::Standing>* store);
  /// The process dies: nothing is said.
  ~Subscriber();
  Subscriber(const Subscriber&) = delete;
  Subscriber& operator=(const Subscriber&) = delete;

  /// One thing that there is to do. False if there is none.
  bool work();
  void note_time();
  /// What was made of the last event has found room.
  void resume();
  /// Of a relay: its own subscribers are done with what lies below this position.
  void settle(std::uint64_t upto);
  /// The process ends, and says so. With reason::away its place is to be held.
  void stop(std::string_view reason);

  bool superseded() const { return superseded_; }
  /// Connected, and everything that came is handled.
  bool idle() const;
  std::string state() const;
  bool has_wire(const Wire& wire) const { return wire_ == &wire; }
  const SubscriptionPlan& plan() const { return plan_; }
  Holder& holder() { return holder_; }
  core::Inlet& inlet() { return *inlet_; }
  /// Of the event being handled.
  std::uint64_t delivery() const { return inlet_->handled_events(); }
  LinkBook& book() { return wire_->book; }

 private:
  std::uint64_t clock() const;
  void connect();
  core::Inlet::Options options(const Id& stage) const;
  bool read_frame();
  bool read_event();
  bool handle_event();
  void finish_event();
  void note_passed_over();
  void note_ledger();
  void note_accepted();
  bool say(bool idle);
  void send(std::string message);
  void tell_gaps();
  void fail();
  void lose();
  void close();

  Env& env_;
  Taker& taker_;
  const SubscriptionPlan& plan_;
  std::uint32_t life_;
  std::uint32_t actor_;
  std::optional<core::Standing>* store_;
  Id id_;
  Duration clock_behind_;  // it was set back before this process began
  std::uint64_t epoch_;
  Holder& holder_;
  core::Seen seen_;
  core::Ledger ledger_;
  std::optional<core::Standing> standing_;  // where it stands, or what upstream need not send again
  bool was_accepted_ = false;
  bool exact_ = true;  // standing_ is this process's own memory

  std::optional<core::Inlet> inlet_;
  Wire* wire_ = nullptr;
  Time connected_at_;
  Time retry_at_;
  Time next_time_;
  Id ended_stage_;
  Id stage_;
  std::string frame_;
  bool reading_ = false;
  EventView event_;
  bool handling_ = false;   // event_ is with the handler
  bool handled_ = false;    // the handler has returned, and nothing else is done yet
  bool blocked_ = false;    // what was made of it has no room
  unsigned work_left_ = 0;  // of a slow handler
  bool superseded_ = false;
  std::uint64_t passed_ = 0;  // of the inlet's passed_over(), noted
  std::uint64_t noted_ = 0;   // of the inlet's handled events, in the ledger
  std::uint64_t grants_ = 0;
  std::optional<std::string> last_grant_;  // for Fault::dropped_grant
};

}  // namespace galena::sim
