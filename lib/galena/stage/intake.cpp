// SPDX-License-Identifier: Apache-2.0
#include "galena/stage/intake.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <utility>

#include <fmt/format.h>

#include "galena/error.hpp"
#include "galena/stage/hints.hpp"
#include "galena/stage/node_core.hpp"
#include "galena/stage/reading_origin.hpp"
#include "galena/stage/stage_options.hpp"

namespace galena::detail {
namespace {

/// A smaller batch is taken apart and packed with others.
constexpr std::size_t smallest_adopted = 8 * 1024;

/// A tick that finds the handler at work looks again so much later.
constexpr Duration look_again_after = std::chrono::milliseconds(1);

void count(std::atomic<std::uint64_t>& events, std::uint64_t more = 1) {  // one writer: no locked instruction
  events.store(events.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
}

}  // namespace

Intake::Intake(NodeCore& node, Options options)
    : node_(node), options_(std::move(options)), acknowledges_downstream_(acknowledges_downstream(options_.stage)) {
  if (options_.publisher != nullptr) made_.emplace(options_.publisher->driver());
}

void Intake::start(Loop& loop, const Id& stage) {
  for (Receiver::Options& receiver : receiver_options(options_.stage, stage, options_.label)) {
    receivers_.push_back(std::make_unique<Receiver>(node_, loop, *this, std::move(receiver)));
  }
  if (calls_.on_tick == nullptr) return;
  tick_timer_.emplace(loop.reactor(), [this] { tick(); });
  next_tick_ = deadline_in(options_.stage.publish.tick);
  tick_timer_->set(next_tick_);
}

void Intake::give_hints() const {
  for (const auto& receiver : receivers_) detail::give_hints(node_, *receiver, options_.label);
}

void Intake::go_on() {
  if (!made_ || !made_->retry()) return;
  if (tick_is_due_) tick();
  if (made_->waits()) return;
  for (const auto& receiver : receivers_) receiver->resume();
}

void Intake::acknowledge() {
  for (const auto& receiver : receivers_) receiver->acknowledge();
}

void Intake::leave(std::function<void()> done) {
  on_left_ = std::move(done);
  for (const auto& receiver : receivers_) receiver->leave();
  handle_left();
}

void Intake::handle_left() {
  const bool all = std::all_of(receivers_.begin(), receivers_.end(), [](const auto& at) { return at->has_left(); });
  if (!all) return;
  if (const auto done = std::exchange(on_left_, {})) done();
}

void Intake::stop_taking() {
  for (const auto& receiver : receivers_) receiver->stop_taking();
  end_handler();
}

void Intake::stop(std::string_view reason) {
  for (const auto& receiver : receivers_) receiver->stop(reason);
  tick_timer_.reset();
  tick_is_due_ = false;
  if (options_.is_relay) end_handler();  // a producer may be in the middle of a call
  if (const auto left = std::exchange(on_left_, {})) left();
}

void Intake::abandon_handler() {
  handler_threw_ = handler_failed_ = true;
  tick_timer_.reset();
}

/// Calls handle_tick, unless what was made before still waits for room: then it is called as soon as that has found it.
/// Ticks that were missed meanwhile are not made up for.
void Intake::tick() {
  if (handler_threw_ || handler_ended_) return;
  tick_is_due_ = made_->waits();
  if (tick_is_due_) return;
  std::unique_lock lock(options_.handler_lock, std::try_to_lock);
  if (!lock) {  // the handler works on an input
    tick_timer_->set(Clock::now() + look_again_after);
    return;
  }
  make(calls_.on_tick);
  lock.unlock();
  options_.publisher->transmit();
  const Time now = Clock::now();
  const Duration interval = options_.stage.publish.tick;
  if (next_tick_ <= now) next_tick_ = time_after(next_tick_, (now - next_tick_) / interval * interval + interval);
  if (tick_timer_) tick_timer_->set(next_tick_);
}

/// No input comes any more: calls handle_end, once. It may have had enough, but it must not have failed.
void Intake::end_handler() {
  if (std::exchange(handler_ended_, true)) return;
  tick_timer_.reset();
  if (calls_.on_end == nullptr || handler_failed_) return;
  std::unique_lock lock(options_.handler_lock);
  make(calls_.on_end);
  lock.unlock();
  options_.publisher->transmit();
}

/// What the handler makes of no input, in order with what it makes of its inputs. Under the handler's lock.
void Intake::make(void (*call)(void* handler, Output& out)) {
  static_cast<void>(guard_handler([&] {
    made_->begin({});
    call(calls_.handler.get(), *made_);
    return Progress::handled;
  }));
}

ConsumerStats Intake::stats() const {
  ConsumerStats stats;
  for (const auto& receiver : receivers_) {
    stats.received += receiver->received();
    stats.lost += receiver->lost();
    stats.unknown_gaps += receiver->unknown_gaps();
    stats.malformed += receiver->malformed();
    stats.passed_over += receiver->passed_over();
    stats.states.push_back(receiver->state());
  }
  const std::lock_guard lock(mutex_);
  stats.mismatched = mismatches_.total();
  stats.mismatches = mismatches_.counts();
  return stats;
}

Progress Intake::take(Reading reading) {
  if (handler_threw_) return Progress::failed;  // for an event of another subscription
  return guard_handler([&] { return made_ ? relay(reading) : consume(reading); });
}

/// Calls the handler. If it throws, nothing is handed to it any more.
template <class Call>
Progress Intake::guard_handler(Call call) {
  try {
    return call();
  } catch (const Enough&) {  // it says that it did nothing of this event
    handler_threw_ = true;
    options_.finish();
  } catch (const Error& error) {
    handler_threw_ = handler_failed_ = true;
    discard_effects();
    if (error.code() == ErrorCode::stopped && options_.is_stopping()) {
      options_.finish();  // its handler waited in another stage when it was told to stop
    } else {
      options_.fail(std::current_exception(), "its handler failed");
    }
  } catch (...) {
    handler_threw_ = handler_failed_ = true;
    discard_effects();
    options_.fail(std::current_exception(), "its handler failed");
  }
  return Progress::failed;
}

/// The next event, for a handler that makes others of it.
Progress Intake::relay(Reading& reading) {
  if (const auto passed = calls_.passes_all ? pass_batch(reading) : std::nullopt) return *passed;
  EventView event;
  if (!reading.inlet.next(event)) return Progress::read;
  const ReadingOrigin origin(reading);
  event.origin = &origin;
  count(reading.received);
  core::Provenance from;
  if (acknowledges_downstream_) from = reading.inlet.provenance(event);
  from.repeated = event.repeated;
  made_->begin(from);
  const Taken taken = calls_.on_produce(calls_.handler.get(), event, *made_);
  if (taken != Taken::yes && !note_mismatch(event, reading.from)) return Progress::failed;
  if (made_->waits()) return Progress::blocked;
  reading.inlet.handled();
  if (!turn_.is_over()) return Progress::handled;
  options_.publisher->flush();  // the handler may take long for the next event
  return Progress::yields;
}

/// A whole batch, passed on where it lies, if that is possible. (With acknowledgement downstream every event tells
/// where it comes from.)
std::optional<Progress> Intake::pass_batch(const Reading& reading) {
  using Answer = core::Outlet::Answer;
  if (reading.frame == nullptr || acknowledges_downstream_) return std::nullopt;
  const auto whole = reading.inlet.whole_batch();
  if (!whole || whole->bytes.size() < smallest_adopted) return std::nullopt;
  // All of the frame is kept, and only the batch is counted.
  if (whole->bytes.size() < reading.frame->bytes().size() / 4) return std::nullopt;
  char* const begin = reading.frame->data() + (whole->bytes.data() - reading.frame->bytes().data());
  const Answer answer = options_.publisher->driver().adopt({begin, whole->bytes.size()}, whole->count, reading.frame,
                                                           reading.frame->bytes().size());
  if (answer == Answer::full) return Progress::waits;
  if (answer == Answer::too_large) return std::nullopt;
  count(reading.received, whole->count);
  reading.inlet.handled_whole();
  return Progress::handled;
}

/// Events for a handler that keeps them, until something else is to be done.
Progress Intake::consume(Reading& reading) {
  const ReadingOrigin origin(reading);
  for (EventView event; reading.inlet.next(event);) {
    event.origin = &origin;
    count(reading.received);
    const Taken taken = calls_.on_consume(calls_.handler.get(), event);
    if (taken != Taken::yes && !note_mismatch(event, reading.from)) return Progress::failed;
    reading.inlet.handled();
    if (reading.inlet.attention() || node_.ticks() != reading.tick) return Progress::handled;
  }
  return Progress::read;
}

/// The message is not of the handler's type. False if the stage is to stop for that.
bool Intake::note_mismatch(const EventView& event, const Source& from) {
  std::uint64_t mismatches = 0;
  {
    const std::lock_guard lock(mutex_);
    mismatches_.add(event.topic, from.text());
    mismatches = mismatches_.total();
  }
  const std::string text =
      fmt::format("{}: a message of {} bytes on topic '{}' of {} is not of the handler's type ({})", options_.label,
                  event.payload.size(), event.topic, from.text(), event.encoding == Encoding::raw ? "raw" : "msgpack");
  if (subscribe().on_mismatch == OnMismatch::stop) {
    options_.fail(std::make_exception_ptr(Error(ErrorCode::handler, text)), "its handler failed");
    return false;
  }
  // The first, the second, the fourth, ...: said, without filling the disk.
  if (std::has_single_bit(mismatches)) {
    node_.logger().warning(fmt::format("{}; skipped, the {}. so far", text, mismatches));
  }
  return true;
}

/// The handler threw: what it did since the last position was saved is to be undone by the store, before any of the
/// subscriptions can save its position again.
void Intake::discard_effects() {
  if (!subscribe().positions) return;
  bool is_void = true;
  try {
    is_void = subscribe().positions->discard();
  } catch (...) {
    node_.logger().error(fmt::format(
        "{}: its position store threw in discard(), so no position is saved any more: events since the last one come "
        "again to the next consumer of this identity",
        options_.label));
  }
  if (!is_void) return;
  for (const auto& receiver : receivers_) receiver->discard();
}

/// Calls what the user gave: if it throws, the stage stops.
template <class Call>
void Intake::guard(Call call) {
  try {
    call();
  } catch (...) {
    options_.fail(std::current_exception(), "its handler failed");
  }
}

void Intake::handle_pause() {
  if (made_) options_.publisher->transmit();
}

void Intake::handle_idle() {
  if (subscribe().on_idle) guard([this] { subscribe().on_idle(); });
}

void Intake::handle_state(const Source& of, State state) {
  if (subscribe().on_state) guard([&] { subscribe().on_state(of, state); });
}

void Intake::handle_gap(const Source& of, const Gap& gap) {
  if (options_.is_relay) options_.publisher->driver().append_gap();
  if (subscribe().on_gap) guard([&] { subscribe().on_gap(of, gap); });
}

void Intake::handle_superseded(const Source& of) {
  const Error error(ErrorCode::superseded, fmt::format("{}: another consumer of {} has taken up the identity '{}'",
                                                       options_.label, of.text(), identity_of(options_.stage)));
  options_.fail(std::make_exception_ptr(error), "another has taken up its identity");
}

std::uint64_t Intake::made_upto() {
  return options_.publisher->driver().with_outlet([](core::Outlet& outlet) { return outlet.buffer().next(); });
}

std::uint64_t Intake::acknowledged_upto() {
  return options_.publisher->driver().with_outlet([](core::Outlet& outlet) { return outlet.acknowledged_upto(); });
}

}  // namespace galena::detail
