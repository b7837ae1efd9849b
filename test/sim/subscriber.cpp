// SPDX-License-Identifier: Apache-2.0
#include "subscriber.hpp"

#include <algorithm>
#include <utility>

#include "publisher.hpp"

namespace galena::sim {
namespace {

using Input = core::Inlet::Input;

bool is_behind(const core::Place& place, const core::Place& other) {
  return place.stream == other.stream && place < other;
}

}  // namespace

Subscriber::Subscriber(Env& env, Taker& taker, const SubscriptionPlan& plan, std::uint32_t life, std::uint32_t actor,
                       std::optional<core::Standing>* store)
    : env_(env),
      taker_(taker),
      plan_(plan),
      life_(life),
      actor_(actor),
      store_(plan.store ? store : nullptr),
      id_(env.random.id()),
      clock_behind_(!env.quiet && env.random.percent(5) ? std::chrono::minutes(30) : std::chrono::minutes(0)),
      epoch_(clock()),
      holder_(env.books.begin_life(plan, life,
                                   store_ != nullptr && *store_ ? std::optional((*store_)->place) : std::nullopt)),
      retry_at_(env.now),
      next_time_(env.now) {
  if (store_ != nullptr) standing_ = *store_;
  exact_ = !plan.identity && !plan.store;  // nobody else has handled anything
}

std::uint64_t Subscriber::clock() const {
  const Duration time = env_.now.time_since_epoch() - clock_behind_;
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(time).count());
}

Subscriber::~Subscriber() {
  env_.books.end_life(holder_, life_);
  if (wire_ != nullptr) {
    wire_->subscriber = nullptr;
    if (!wire_->closing) wire_->break_off(env_.now, env_.random);
  }
}

bool Subscriber::work() {
  if (superseded_ || blocked_) return false;
  if (handling_) return handle_event();
  if (wire_ == nullptr) {
    if (env_.now < retry_at_) return false;
    const Publisher* target = env_.find(plan_.source);
    if (target == nullptr || target->stage() == ended_stage_) return false;
    connect();
    return true;
  }
  if (reading_) return read_event();
  if (!wire_->down.arrived.empty()) return read_frame();
  if (wire_->broken && env_.now >= wire_->subscriber_learns) {
    env_.trace.note(env_.now, actor_, "learns that a wire is broken:", wire_->number);
    lose();
    return true;
  }
  if (!inlet_->accepted()) return false;
  note_passed_over();
  note_ledger();
  if (plan_.relays) settle(taker_.publisher()->outlet().acknowledged_upto());
  return say(true);
}

void Subscriber::connect() {
  Publisher& target = *env_.find(plan_.source);
  ++epoch_;
  if (!env_.quiet && env_.random.percent(env_.plan.trouble > 0 ? 10 : 0)) {
    env_.trace.note(env_.now, actor_, "fails to connect");
    retry_at_ = env_.now + env_.random.micros(100, 10'000);
    return;
  }
  stage_ = target.stage();
  connected_at_ = env_.now;
  inlet_.emplace(options(stage_), env_.now);
  passed_ = noted_ = 0;
  wire_ = &env_.connect(*this, target);
  wire_->book.holder = &holder_;
  wire_->book.life = life_;
  target.attach(*wire_);
  env_.trace.note(env_.now, actor_, "connects (wire, stream)", wire_->number, target.stream().number);
  send(inlet_->hello());
}

core::Inlet::Options Subscriber::options(const Id& stage) const {
  core::Inlet::Options options;
  options.stage = stage;
  options.subscription = id_;
  options.epoch = epoch_;
  if (plan_.identity) options.identity = plan_.name;
  options.consumer = holder_.name;
  options.selection = plan_.selection;
  options.demand = plan_.demand;
  options.silence = plan_.silence;
  options.previous = standing_;
  options.exact = exact_;
  options.acknowledge_later = plan_.relays;
  if (plan_.seen) options.seen = const_cast<core::Seen*>(&seen_);
  return options;
}

bool Subscriber::read_frame() {
  frame_ = std::move(wire_->down.arrived.front());
  wire_->down.arrived.pop_front();
  const Input input = inlet_->handle(frame_, env_.now);
  env_.trace.note(env_.now, actor_, "reads a frame (wire, what)", wire_->number, static_cast<std::uint64_t>(input));
  switch (input) {
    case Input::events:
      reading_ = true;
      tell_gaps();
      return true;
    case Input::accepted:
      env_.books.note_accepted(wire_->book, inlet_->place(),
                               standing_ && standing_->place.stream == inlet_->place().stream);
      note_accepted();
      break;
    case Input::ended:
      env_.books.note_ended(wire_->book);
      ended_stage_ = stage_;
      tell_gaps();
      lose();
      return true;
    case Input::cancelled:
    case Input::malformed:
      fail();
      return true;
    case Input::nothing:
      break;
  }
  tell_gaps();
  return true;
}

/// What upstream sends from here on counts its deliveries from 0.
void Subscriber::note_accepted() {
  exact_ = was_accepted_ = true;
  const core::Standing at = inlet_->standing();
  if (plan_.relays) {
    ledger_.clear();
    if (!standing_ || standing_->place.stream != at.place.stream || is_behind(standing_->place, at.place))
      standing_ = at;
  } else {
    standing_ = at;
    if (store_ != nullptr) *store_ = at;
  }
}

/// The link is over, and not because it broke.
void Subscriber::fail() {
  const core::Cancel failure = inlet_->failure();
  env_.trace.note(env_.now, actor_, "is told that its link is over (wire)", wire_->number);
  using namespace core::reason;
  require(failure.reason != credit, Kind::credit, [&] { return holder_.name + ": " + failure.detail; });
  const bool faithful = failure.reason != malformed && failure.reason != acknowledge && failure.reason != version;
  require(faithful, Kind::refused, [&] { return holder_.name + " was refused: " + failure.detail; });
  const bool outbids = !was_accepted_ && failure.epoch > clock();
  superseded_ = failure.reason == core::reason::superseded && !outbids;
  if (outbids) epoch_ = failure.epoch;
  lose();
}

bool Subscriber::read_event() {
  const bool more = inlet_->next(event_);
  note_passed_over();
  tell_gaps();
  if (!more) {
    reading_ = false;
    if (!inlet_->failure().reason.empty()) {
      fail();
      return true;
    }
    note_ledger();
    return true;
  }
  handling_ = true;
  work_left_ = !env_.quiet && env_.random.percent(plan_.slow) ? static_cast<unsigned>(env_.random.below(20)) : 0;
  if (env_.tamper.is(Fault::early_acknowledge)) {
    inlet_->handled();
    say(true);
  }
  if (env_.tamper.is(Fault::early_store) && store_ != nullptr) {
    core::Standing standing = inlet_->standing();
    ++standing.place.events;
    *store_ = standing;
  }
  return work_left_ > 0 || handle_event();
}

bool Subscriber::handle_event() {
  if (work_left_ > 0) {
    --work_left_;
    return true;
  }
  if (!handled_) {
    if (env_.tamper.is(Fault::repeat_unmarked)) event_.repeated = false;
    env_.trace.note(env_.now, actor_, "handles (wire, delivery)", wire_->number, delivery());
    env_.books.note_handled(wire_->book, event_);
    if (!taker_.take(*this, event_)) {
      blocked_ = true;
      return true;
    }
    handled_ = true;
    if (!env_.quiet && env_.random.percent(10)) return true;  // it may die here
  }
  finish_event();
  return true;
}

void Subscriber::finish_event() {
  handling_ = handled_ = false;
  ++wire_->book.done;
  if (!env_.tamper.is(Fault::early_acknowledge)) inlet_->handled();
  if (store_ != nullptr) *store_ = inlet_->standing();
  note_ledger();
  if (!inlet_->attention()) return;
  tell_gaps();
  say(false);
}

void Subscriber::resume() {
  if (!std::exchange(blocked_, false)) return;
  finish_event();
}

void Subscriber::note_passed_over() {
  const std::uint64_t passed = inlet_->passed_over() - passed_;
  if (passed == 0) return;
  passed_ += passed;
  wire_->book.done += passed;
  env_.books.note_passed_over(wire_->book, passed);
}

/// Of a relay: what it has handled, or passed over because it was handled before, has become what it has published.
void Subscriber::note_ledger() {
  if (!plan_.relays || inlet_->handled_events() == noted_) return;
  noted_ = inlet_->handled_events();
  ledger_.record(taker_.publisher()->outlet().buffer().next(), noted_, inlet_->standing());
}

void Subscriber::settle(std::uint64_t upto) {
  if (!plan_.relays) return;
  if (env_.tamper.is(Fault::early_settle)) upto = taker_.publisher()->outlet().buffer().next();
  const auto settled = ledger_.acknowledge(upto);
  if (!settled) return;
  standing_ = settled->standing;
  if (!inlet_ || !inlet_->accepted()) return;
  inlet_->acknowledge(settled->handled);
  say(true);
}

bool Subscriber::say(bool idle) {
  const auto grant = inlet_->poll_grant(idle, env_.now);
  if (grant) send(*grant);
  return grant.has_value();
}

void Subscriber::send(std::string message) {
  const auto decoded = core::decode(message);
  require(decoded.has_value(), Kind::refused, "an inlet's message is not readable");
  if (const auto* grant = std::get_if<core::Grant>(&*decoded)) {
    Publisher* const relay = taker_.publisher();
    env_.books.note_said(wire_->book, *grant, relay == nullptr ? nullptr : &relay->stream(), env_.now);
    if (env_.tamper.is(Fault::dropped_grant) && ++grants_ > 3) return;
  }
  env_.trace.note_bytes(message);
  if (auto sent = env_.tamper.up(std::move(message), env_.random)) wire_->send(wire_->up, std::move(*sent));
}

void Subscriber::tell_gaps() {
  if (!inlet_->attention()) return;
  for (const Gap& gap : inlet_->poll_gaps()) {
    env_.trace.note(env_.now, actor_, "is told of a gap (from, upto)", gap.from, gap.upto);
    if (!env_.tamper.is(Fault::gap_untold)) env_.books.note_told(wire_->book, gap);
  }
}

void Subscriber::lose() {
  if (inlet_->accepted()) {
    if (!env_.tamper.is(Fault::seen_forgotten)) inlet_->record_seen();
    if (!plan_.relays) {
      standing_ = inlet_->standing();
      if (store_ != nullptr) *store_ = standing_;
    } else if (inlet_->standing().ended && standing_) {
      standing_->ended = true;
    }
  }
  close();
  retry_at_ = env_.now + env_.random.micros(100, 10'000);
}

void Subscriber::close() {
  reading_ = false;
  inlet_.reset();
  wire_->subscriber = nullptr;
  if (!wire_->closing) wire_->break_off(env_.now, env_.random);
  wire_ = nullptr;
}

void Subscriber::note_time() {
  if (env_.now < next_time_ || superseded_ || handling_) return;
  next_time_ = env_.now + plan_.silence / 8;
  if (wire_ == nullptr) return;
  if (inlet_->accepted()) {
    if (const auto heartbeat = inlet_->poll_heartbeat(env_.now)) send(*heartbeat);
  }
  if (reading_ || blocked_ || !wire_->down.arrived.empty()) {
    inlet_->handle_busy(env_.now);
    return;
  }
  const bool silent = inlet_->accepted() ? inlet_->silent(env_.now) : env_.now - connected_at_ > plan_.silence;
  if (!silent || env_.tamper.is(Fault::silent_death)) return;
  env_.trace.note(env_.now, actor_, "has heard nothing for too long (wire)", wire_->number);
  lose();
}

void Subscriber::stop(std::string_view reason) {
  if (wire_ != nullptr && !handling_) {
    if (inlet_->accepted()) say(true);
    send(core::encode(core::Cancel{std::string(reason), "the consumer stops"}));
    wire_->closing = true;
    wire_->subscriber = nullptr;
    wire_ = nullptr;
  }
}

bool Subscriber::idle() const {
  return wire_ != nullptr && inlet_->accepted() && !reading_ && !handling_ && wire_->down.flight.empty() &&
         wire_->down.arrived.empty() && wire_->up.flight.empty() && wire_->up.arrived.empty() && !wire_->broken &&
         !wire_->closing && !wire_->up.cut && !wire_->down.cut;  // else it is still to find out
}

std::string Subscriber::state() const {
  std::string text = plan_.name + (idle() ? " idle" : "");
  if (wire_ == nullptr) return text + " without a link";
  text += " on wire " + std::to_string(wire_->number) + (inlet_->accepted() ? "" : " not accepted") +
          (reading_ ? " reading" : "") + (handling_ ? " handling" : "") + (blocked_ ? " blocked" : "") +
          (wire_->broken ? " broken" : "");
  return text + " at " + std::to_string(inlet_->place().from) + "+" + std::to_string(inlet_->place().events) +
         ", handled " + std::to_string(inlet_->handled_events());
}

}  // namespace galena::sim
