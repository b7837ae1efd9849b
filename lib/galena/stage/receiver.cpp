// SPDX-License-Identifier: Apache-2.0
#include "galena/stage/receiver.hpp"

#include <algorithm>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "galena/error.hpp"

namespace galena::detail {
namespace {

using Input = core::Inlet::Input;
using Next = Connection::Next;
using Reading = InletDriver::State;
using Work = InletDriver::Work;

constexpr int frames_a_turn = 16;
/// A relay's account of what became of what: an entry for each frame, and within large ones.
constexpr std::uint64_t events_an_entry = 256;
/// What a producer lets be in flight on one link is as much (Outlet::Options.max_in_flight_bytes).
constexpr std::uint64_t largest_window = 32 << 20;
/// More than anybody sends; sums with it do not overflow.
constexpr std::uint64_t most_asked = std::uint64_t{1} << 62;

void add(std::atomic<std::uint64_t>& counter, std::uint64_t count) {  // one writer: no locked instruction
  counter.store(counter.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
}

/// Of one of the two sides: time does not mend it.
bool is_mistake(std::string_view reason) {
  return reason == core::reason::malformed || reason == core::reason::version || reason == core::reason::credit ||
         reason == core::reason::acknowledge || reason == core::reason::not_accepted ||
         reason == core::reason::too_large;
}

core::Demand demand_of(const Subscription& subscription) {
  core::Demand demand;
  if (subscription.max_demand > 0) demand.max_events = subscription.max_demand;
  demand.min_events = subscription.min_demand.value_or(demand.max_events / 2);
  if (subscription.max_bytes) {
    demand.max_bytes = *subscription.max_bytes;
  } else if (subscription.max_demand == 0) {
    demand.most_bytes = largest_window;
  }
  const bool asks = demand.min_events < demand.max_events && demand.max_bytes > 0;
  demand.max_events = std::min(demand.max_events, most_asked);
  demand.min_events = std::min(demand.min_events, most_asked / 2);
  demand.max_bytes = std::min(demand.max_bytes, most_asked);
  if (!asks) {
    throw Error(
        ErrorCode::invalid,
        fmt::format("a subscription to {} asks for nothing: min_demand ({}) must be less than max_demand ({}), and "
                    "max_bytes more than 0",
                    subscription.producer.text(), demand.min_events, demand.max_events));
  }
  return demand;
}

}  // namespace

Receiver::Receiver(NodeCore& node, Loop& loop, EventTaker& taker, Options options)
    : node_(node),
      loop_(loop),
      taker_(taker),
      options_(std::move(options)),
      demand_(demand_of(options_.subscription)),
      self_(std::make_shared<Receiver*>(this)),
      keeper_(node.logger(), {options_.consumer, source().text(), options_.identity, options_.subscription.topics,
                              options_.positions, options_.key, options_.acknowledge_downstream}),
      connection_(node, loop, source(), options_.consumer, options_.subscription.largest_event,
                  {[this](const Id& stage) { open_link(stage); }, [this] { work(); },
                   [this] { set_state(State::searching); }}) {
  timer_ = loop_.reactor().after(node_.options().liveness / 8, [this] { handle_time(); });
}

Receiver::~Receiver() { stop(core::reason::cancelled); }

void Receiver::stop(std::string_view reason) {
  if (!self_) return;
  self_.reset();
  loop_.reactor().cancel(timer_);
  if (driver_) {
    if (driver_->inlet().accepted()) {
      record_made();
      driver_->grant(true, Clock::now());
    }
    if (!options_.identity.empty() && reason != core::reason::superseded) reason = core::reason::away;
    connection_.send(core::encode(core::Cancel{std::string(reason), "the consumer stops"}));
  }
  connection_.close();
  driver_.reset();
}

void Receiver::leave() {
  leaves_ = true;
  if (!options_.identity.empty()) return record_left();
  if (!driver_ || !driver_->inlet().accepted()) {
    stop(core::reason::cancelled);
    return record_left();
  }
  driver_->stop_granting();
  work_later();
}

void Receiver::record_left() {
  has_left_ = true;
  taker_.handle_left();
}

void Receiver::stop_taking() {
  if (!self_) return;
  if (options_.identity.empty() || !driver_) {
    stop(core::reason::cancelled);
    return;
  }
  driver_->stop_taking();
  record_made();
  acknowledge();
}

void Receiver::open_link(const Id& stage) {
  core::Inlet::Options options;
  options.stage = stage;
  options.subscription = id_;
  options.epoch = keeper_.next_epoch();
  options.identity = options_.identity;
  options.consumer = options_.consumer;
  options.consumer_stage = options_.consumer_stage;
  options.selection = options_.subscription.topics;
  options.demand = demand_;
  options.silence = std::max(node_.options().liveness, options_.subscription.patience);
  options.largest_event = options_.subscription.largest_event;
  keeper_.describe(options);
  draining_upto_.reset();
  driver_.emplace(static_cast<InletDriver::Side&>(*this), std::move(options), Clock::now());
  send(driver_->inlet().hello());
}

/// Handles what has arrived, up to a bound: then others on this loop have their turn.
void Receiver::work() {
  bool looked_again = false;
  for (int frames = 0; driver_; ++frames) {
    switch (driver_->work(Clock::now())) {
      case Work::over:
        return end_link();
      case Work::later:
        return work_later();
      case Work::waits:
        return gather();
      case Work::idle:
        break;
    }
    if (frames >= frames_a_turn) return work_later();
    if (receive_frame()) continue;
    // An acknowledgement makes the producer send whatever it has. Whoever is ready to run goes first: on a busy machine
    // there is more then, and frames stay large without a timer; on an idle one this takes a microsecond.
    if (frames > 0 && !std::exchange(looked_again, true)) {
      std::this_thread::yield();
      continue;
    }
    if (connection_.state() == Connection::State::unread) {
      return lose("the connection ended", Next::same_endpoint);
    }
    driver_->handle_idle(Clock::now());
    taker_.handle_idle();
    if (leaves_ && !has_left_) {
      stop(core::reason::cancelled);
      record_left();
    }
    return;
  }
}

/// While nothing is read: what comes waits in the driver, which bounds it.
void Receiver::gather() {
  for (int frames = 0; driver_ && frames < frames_a_turn; ++frames) {
    if (receive_frame()) continue;
    const bool over = connection_.state() == Connection::State::unread && driver_->state() == Reading::draining;
    if (over) lose("the connection ended", Next::same_endpoint);
    return;
  }
}

/// False if none has come.
bool Receiver::receive_frame() {
  auto frame = connection_.receive();
  if (!frame) return false;
  if (!driver_->add(std::move(*frame))) end_link();
  return true;
}

void Receiver::work_later() {
  if (std::exchange(work_posted_, true)) return;
  loop_.post([self = std::weak_ptr(self_)] {
    const auto receiver = self.lock();
    if (!receiver) return;
    (*receiver)->work_posted_ = false;
    (*receiver)->work();
  });
}

void Receiver::resume() {
  if (!driver_) return;
  const Reading before = driver_->state();
  driver_->resume(Clock::now());
  if (driver_->state() == before) return;
  if (driver_->state() == Reading::draining) record_made();
  work_later();
}

/// The driver says that the link is over.
void Receiver::end_link() {
  const core::Cancel reason = driver_->reason();
  switch (driver_->end()) {
    case Input::ended:
      return lose("its stream has ended", Next::other_stage);
    case Input::cancelled:
      return lose(fmt::format("it said '{}': {}", reason.reason, reason.detail), Next::other_endpoint);
    default:
      return lose(fmt::format("what came from {} broke the protocol: {}", connection_.endpoint(), reason.detail),
                  Next::other_endpoint);
  }
}

/// The link is over: records where it stood, and looks for the next one.
void Receiver::lose(const std::string& why, Connection::Next next) {
  const bool drains = driver_->state() == Reading::draining || driver_->state() == Reading::last_event;
  const core::Cancel reason = driver_->reason();
  const bool superseded = reason.reason == core::reason::superseded && !keeper_.outbid(reason.epoch);
  const Input end = driver_->end();
  driver_->finish();
  core::Inlet& inlet = driver_->inlet();
  const bool was_accepted = inlet.accepted();
  keeper_.end_link(inlet);
  passed_before_ += inlet.passed_over();
  driver_.reset();
  const std::string text = fmt::format("{}: link to {} is over: {}", options_.consumer, source().text(), why);
  // It will be tried again, and end the same way: said once.
  if (is_mistake(reason.reason) && std::exchange(warned_of_, reason.reason) != reason.reason) {
    node_.logger().warning(text);
  } else {
    node_.logger().info(text);
  }
  if (superseded) {
    connection_.close();
    set_state(State::superseded);
    taker_.handle_superseded(source());
    return;
  }
  if (leaves_) {
    connection_.close();
    if (!has_left_) record_left();
  } else if (drains) {
    connection_.close();
  } else {
    connection_.end_link(next, was_accepted && !is_mistake(reason.reason));
  }
  if (was_accepted) set_state(end == Input::ended ? State::ended : State::lost);
  set_state(State::searching);
}

void Receiver::handle_time() {
  timer_ = loop_.reactor().after(node_.options().liveness / 8, [this] { handle_time(); });
  if (!driver_ || connection_.state() == Connection::State::unread) return;
  const Time now = Clock::now();
  if (!driver_->handle_time(now)) return lose("nothing was heard for too long", Next::other_endpoint);
  if (keeper_.state() == PositionKeeper::State::failing) driver_->grant(true, now);
}

void Receiver::set_state(State state) {
  if (told_state_ == state) return;
  told_state_ = state;
  state_ = state;
  node_.logger().info(fmt::format("{}: {} {}", options_.consumer, to_string(state), source().text()));
  taker_.handle_state(source(), state);
}

void Receiver::record_made() {
  if (!options_.acknowledge_downstream || !driver_) return;
  keeper_.record_made(taker_.made_upto(), driver_->inlet());
}

void Receiver::acknowledge() {
  if (!options_.acknowledge_downstream || !driver_) return;
  const auto deliveries = keeper_.acknowledge(taker_.acknowledged_upto());
  if (!deliveries) return;
  driver_->inlet().acknowledge(*deliveries);
  driver_->grant(true, Clock::now());
}

Progress Receiver::take(core::Inlet& inlet, const std::shared_ptr<net::Frame>& frame) {
  const Progress progress =
      taker_.take({inlet, source(), received_, tick_, connection_.shares_memory() ? nullptr : frame});
  if (progress != Progress::handled) return progress;
  const std::uint64_t tick = node_.ticks();
  return std::exchange(tick_, tick) == tick ? Progress::handled : Progress::yields;
}

void Receiver::record_handled() {
  if (driver_->inlet().handled_events() % events_an_entry == 0) record_made();
}

void Receiver::handle_pause(bool frame_is_handled) {
  if (frame_is_handled) record_made();
  taker_.handle_pause();
  if (!frame_is_handled) return;
  acknowledge();
  passed_over_.store(passed_before_ + driver_->inlet().passed_over(), std::memory_order_relaxed);
}

void Receiver::handle_control(Input input) {
  if (input == Input::accepted) {
    keeper_.begin_link(driver_->inlet());
    // Before the first event: whoever comes next knows which stream had a place for it, and is told if that is lost.
    static_cast<void>(
        keeper_.save(driver_->inlet()));  // if it fails, it is tried again before anything is acknowledged
    connection_.handle_accepted();
    set_state(State::connected);
  }
  const auto upto = driver_->inlet().draining_upto();
  if (!upto || std::exchange(draining_upto_, upto) == upto) return;
  node_.logger().info(fmt::format("{}: {} takes nothing in any more, and ends at position {}", options_.consumer,
                                  source().text(), *upto));
}

void Receiver::handle_gap(const Gap& gap) {
  if (gap.count) {
    add(lost_, *gap.count);
  } else {
    add(unknown_gaps_, 1);
  }
  node_.logger().warning(fmt::format("{}: {} of {} will not come: {}", options_.consumer,
                                     gap.count ? fmt::format("{} events", *gap.count) : "an unknown number of events",
                                     source().text(), gap.reason));
  taker_.handle_gap(source(), gap);
}

void Receiver::count_malformed() { add(malformed_, 1); }

}  // namespace galena::detail
