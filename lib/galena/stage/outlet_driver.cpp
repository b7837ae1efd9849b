// SPDX-License-Identifier: Apache-2.0
#include "galena/stage/outlet_driver.hpp"

#include <utility>

#include <fmt/format.h>

#include "galena/error.hpp"
#include "galena/stage/waiting.hpp"

namespace galena::detail {
namespace {

using Answer = core::Outlet::Answer;

/// A smaller frame is copied into a message: cheaper than a loan of a segment.
constexpr std::size_t smallest_loan = 2048;

}  // namespace

OutletDriver::OutletDriver(Loop& loop, Door& door, const Logger& logger, Options options)
    : loop_(loop),
      door_(door),
      logger_(logger),
      options_(std::move(options)),
      outlet_(options_.outlet, Clock::now()),
      hook_(std::make_shared<ReleaseHook>([this, self = std::weak_ptr(self_)] {
        loop_.post([this, self] {
          if (self.expired()) return;
          with_outlet([](core::Outlet& outlet) { outlet.buffer().reclaim(); });
          transmit();
        });
      })) {
  handle_time();
}

OutletDriver::~OutletDriver() {
  hook_->disconnect();
  loop_.reactor().cancel(timer_);
  if (due_timer_ != 0) loop_.reactor().cancel(due_timer_);
  close();
  std::unique_lock lock(lock_);
  changed_.wait(lock, [this] { return waiting_ == 0; });  // those that were ended are on their way out
}

bool OutletDriver::put(const EventView& event, Time deadline, const std::stop_token* stop) {
  process_.check("this stage");
  lock_.lock();
  const Answer answer = closed_ ? Answer::full : outlet_.append(event);
  if (answer != Answer::accepted) [[unlikely]] {
    return put_later(event, answer, deadline, stop);
  }
  ++taken_;
  unlock();
  return true;
}

/// Under the lock, which it gives back.
bool OutletDriver::put_later(const EventView& event, Answer answer, Time deadline, const std::stop_token* stop) {
  std::unique_lock lock(lock_, std::adopt_lock);
  for (;;) {
    if (closed_) refuse_stopped();
    if (answer == Answer::too_large) refuse_size(event);
    if (answer == Answer::accepted) {
      ++taken_;
      lock.release();
      unlock();
      return true;
    }
    const Room room = wait_for_room(lock, deadline, stop);
    if (room == Room::late) return false;
    if (room == Room::stopped) refuse_stopped();
    answer = outlet_.append(event);
  }
}

bool OutletDriver::put(std::span<const EventView> events, Time deadline, const std::stop_token* stop) {
  if ((deadline == never && stop == nullptr) || events.size() == 1) {
    for (const EventView& event : events) {
      if (!put(event, deadline, stop)) return false;
    }
    return true;
  }
  std::unique_lock lock(lock_);
  for (;;) {
    if (closed_) refuse_stopped();
    const Answer answer = outlet_.append_all(events);
    if (answer == Answer::accepted) break;
    if (answer == Answer::too_large) {
      throw Error(
          ErrorCode::invalid,
          fmt::format("the {} events that a handler of {} made at once do not fit into its buffer together: use "
                      "ingest(), which takes them one by one, or make buffer_bytes larger",
                      events.size(), options_.label));
    }
    const Room room = wait_for_room(lock, deadline, stop);
    if (room == Room::late) return false;
    if (room == Room::stopped) refuse_stopped();
  }
  taken_ += events.size();
  lock.release();
  unlock();
  return true;
}

bool OutletDriver::offer(const EventView& event, core::Provenance* from) {
  lock_.lock();
  const Answer answer = outlet_.append(event, from);
  if (answer == Answer::accepted) [[likely]] {
    ++taken_;
    if (from != nullptr) ++from->origin.part;
  }
  unlock();
  if (answer == Answer::too_large) refuse_size(event);
  return answer == Answer::accepted;
}

Answer OutletDriver::adopt(std::span<char> batch, std::uint32_t count, std::shared_ptr<void> frame,
                           std::size_t frame_bytes) {
  if (!with_outlet([](core::Outlet& outlet) { return outlet.buffer().can_adopt(); })) return Answer::too_large;
  core::Segment* const segment =
      core::Segment::adopt(batch.data(), static_cast<std::uint32_t>(batch.size()), std::move(frame),
                           static_cast<std::uint32_t>(std::min<std::size_t>(frame_bytes, UINT32_MAX)));
  const std::lock_guard guard(lock_);
  const auto answer = outlet_.adopt(segment, count);
  if (answer == Answer::accepted) {
    taken_ += count;
  } else {
    segment->release();
  }
  return answer;
}

/// Gives the lock back, and has what was appended sent. (The loop's own thread does so when it has done what it is
/// doing.)
void OutletDriver::unlock() {
  if (wake_pending_ || !outlet_.wants_poll() || (loop_.is_here() && !options_.shares_loop)) [[likely]] {
    lock_.unlock();
    return;
  }
  wake_pending_ = true;
  lock_.unlock();
  transmit_later();
}

void OutletDriver::refuse_size(const EventView& event) const {
  throw Error(
      ErrorCode::invalid,
      fmt::format("an event of {} bytes with a topic of {} bytes is too large for {}: at most {} bytes in all, a "
                  "quarter of buffer_bytes, and {} of topic",
                  event.payload.size(), event.topic.size(), options_.label, outlet_.buffer().largest_event(),
                  core::max_topic_bytes));
}

void OutletDriver::refuse_stopped() const {
  throw Error(ErrorCode::stopped,
              fmt::format("{}: the event was not taken, because the stage {}", options_.label,
                          closed_ ? "takes nothing in any more" : "was told to stop while its buffer was full"));
}

/// Waits until there may be room for what was not.
OutletDriver::Room OutletDriver::wait_for_room(std::unique_lock<Lock>& lock, Time deadline,
                                               const std::stop_token* stop) {
  if (deadline != never && deadline <= Clock::now()) return Room::late;
  if (stop != nullptr && stop->stop_requested()) return Room::late;
  if (deadline == never && waits_end_) return Room::stopped;
  if (loop_.is_here() || (options_.shares_loop && Loop::is_on_shared())) {
    throw Error(
        ErrorCode::invalid,
        fmt::format("{}: its buffer is full, and a handler must not wait for room on a thread that it shares with the "
                    "producer's stage: ingest from another thread, or use try_ingest",
                    options_.label));
  }
  // What was appended before must be on its way, or nothing ever makes room.
  if (outlet_.wants_poll() && !std::exchange(wake_pending_, true)) transmit_later();
  if (outlet_.buffer().awaiting_release()) {
    hook_->arm();  // in this order, or the last release might be missed
    outlet_.buffer().reclaim();
    if (outlet_.buffer().take_freed()) {
      room_found_ = true;
      if (!std::exchange(wake_pending_, true)) transmit_later();
      return Room::maybe;
    }
  }
  const std::uint64_t turn = room_turns_;
  const bool woken = wait(room_, lock, deadline, stop, [&] { return room_turns_ != turn; });
  if (woken) return Room::maybe;
  if (stop != nullptr && stop->stop_requested()) return Room::late;
  return deadline != never && Clock::now() >= deadline ? Room::late : Room::stopped;
}

/// Waits until done(). False if the deadline or the stop came first, or if waits were ended: all of them, or those of
/// the loop that the call came from.
template <class Done>
bool OutletDriver::wait(std::condition_variable_any& changed, std::unique_lock<Lock>& lock, Time deadline,
                        const std::stop_token* stop, Done done) {
  const std::uint64_t before = ended_waits_;
  const auto over = [&] { return done() || ended_waits_ != before || (waits_end_ && deadline == never); };
  ++waiting_;
  wait_until(changed, lock, deadline, stop, over);
  if (--waiting_ == 0 && closed_) changed_.notify_all();
  return done();
}

bool OutletDriver::drain(const Until& until, const std::function<bool()>& is_ready) {
  std::unique_lock lock(lock_);
  const std::uint64_t dropped = outlet_.buffer().drops().lost();
  const bool drained = wait(changed_, lock, until.deadline(), &until.stop(), [&] {
    return outlet_.drained() && (ever_subscribed_ || taken_ == 0) && (!is_ready || is_ready());
  });
  return drained && outlet_.buffer().drops().lost() == dropped;
}

bool OutletDriver::wait_for_subscribers(std::size_t count, const Until& until) {
  std::unique_lock lock(lock_);
  return wait(changed_, lock, until.deadline(), &until.stop(), [&] { return outlet_.subscribers() >= count; });
}

void OutletDriver::end_waits() {
  {
    const std::lock_guard guard(lock_);
    waits_end_ = true;
    ++ended_waits_;
  }
  room_.notify_all();
  changed_.notify_all();
}

void OutletDriver::close() {
  {
    const std::lock_guard guard(lock_);
    closed_ = true;
  }
  end_waits();
}

void OutletDriver::append_gap() {
  with_outlet([](core::Outlet& outlet) { outlet.buffer().append_gap(); });
  transmit();
}

void OutletDriver::count_abandoned(const EventView& event) {
  const std::lock_guard guard(lock_);
  abandoned_.add(event.topic, core::reason::stopped);
}

void OutletDriver::count_gap(const Gap& gap) {
  {
    const std::lock_guard guard(lock_);
    abandoned_.add("", gap.reason, gap.count.value_or(1));
  }
  logger_.warning(fmt::format("{}: {} that were ingested elsewhere will not come: {}", options_.label,
                              gap.count ? fmt::format("{} events", *gap.count) : "an unknown number of events",
                              gap.reason));
}

void OutletDriver::handle(const std::string& peer, const core::Message& message, Time now) {
  const std::lock_guard guard(lock_);
  outlet_.handle(peer, message, now);
  if (outlet_.subscribers() > 0) ever_subscribed_ = true;
}

void OutletDriver::handle_malformed(const std::string& peer, const std::string& why) {
  const std::lock_guard guard(lock_);
  outlet_.handle_malformed(peer, why);
}

void OutletDriver::handle_gone(const std::string& peer, Time now) {
  const std::lock_guard guard(lock_);
  outlet_.handle_gone(peer, now);
}

void OutletDriver::handle_time() {
  with_outlet([](core::Outlet& outlet) { outlet.handle_time(Clock::now()); });
  transmit();
  timer_ = loop_.reactor().after(options_.outlet.silence / 8, [this] { handle_time(); });
}

void OutletDriver::transmit() {
  std::uint64_t acknowledged = 0;
  bool drained = false;
  bool more = false;
  std::optional<Time> due;
  for (bool again = true; again;) {
    std::vector<std::string> notes;
    std::vector<std::string> warnings;
    std::vector<core::Outlet::Change> changes;
    bool freed = false;
    {
      const std::lock_guard guard(lock_);
      wake_pending_ = false;
      outlet_.poll(parcels_, Clock::now());
      notes = outlet_.take_notes();
      changes = outlet_.take_changes();
      warnings = outlet_.take_warnings();
      if (outlet_.buffer().awaiting_release()) {  // in this order, or the last release might be missed
        hook_->arm();
        outlet_.buffer().reclaim();
      }
      freed = outlet_.buffer().take_freed() || room_found_;
      room_found_ = false;
      if (freed) ++room_turns_;
      if (options_.on_acknowledged) acknowledged = outlet_.acknowledged_upto();
      drained = on_drained && outlet_.drained();
      more = outlet_.wants_poll();
      due = outlet_.due();
    }
    if (freed) room_.notify_all();
    changed_.notify_all();
    for (core::Parcel& parcel : parcels_) send(parcel);
    parcels_.clear();
    for (const std::string& warning : warnings) logger_.warning(options_.label + ": " + warning);
    if (!notes.empty()) {
      for (const std::string& note : notes) logger_.info(options_.label + ": " + note);
      tell_subscribers();
    }
    if (options_.on_change) {
      for (const core::Outlet::Change& change : changes) options_.on_change(change);
    }
    if (freed && options_.on_room) options_.on_room();
    again = freed || (options_.on_change && !changes.empty());  // they may have put events
  }
  if (std::exchange(told_acknowledged_, acknowledged) != acknowledged) options_.on_acknowledged();
  if (drained) std::exchange(on_drained, {})();
  if (more) transmit_later();  // somebody reads what is kept, a piece a turn
  if (due && due_timer_ == 0) {
    due_timer_ = loop_.reactor().after(*due - Clock::now(), [this] {
      due_timer_ = 0;
      transmit();
    });
  }
}

void OutletDriver::transmit_later() {
  loop_.post([this, self = std::weak_ptr(self_)] {
    if (!self.expired()) transmit();
  });
}

void OutletDriver::send(core::Parcel& parcel) {
  net::Sent sent = net::Sent::ok;
  if (parcel.segment == nullptr || parcel.size < smallest_loan) {
    sent = door_.send(parcel.peer, parcel.view());
    if (parcel.segment != nullptr) parcel.segment->release();
  } else {
    sent = door_.lend(parcel.peer, lend(parcel.segment, parcel.view(), hook_));
  }
  if (sent != net::Sent::ok && on_unreachable) on_unreachable(parcel.peer);
}

void OutletDriver::tell_subscribers() {
  const std::size_t subscribers = with_outlet([](core::Outlet& outlet) { return outlet.subscribers(); });
  if (subscribers != told_subscribers_ && options_.on_subscribers) options_.on_subscribers(subscribers);
  told_subscribers_ = subscribers;
}

}  // namespace galena::detail
