// SPDX-License-Identifier: Apache-2.0
#include "galena/stage/receiver.hpp"

#include <algorithm>
#include <random>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "galena/error.hpp"
#include "galena/stage/position_text.hpp"

namespace galena::detail {
namespace {

using Input = core::Inlet::Input;

constexpr int frames_a_turn = 16;
/// A relay's account of what became of what: an entry for each frame, and within large ones.
constexpr std::uint64_t events_an_entry = 256;
/// No producer accepts an event of more than 1 GiB, and a frame of more has one event.
constexpr std::int64_t largest_frame = (1LL << 30) + (1 << 20);
/// What a producer lets be in flight on one link is as much (Outlet::Options.max_in_flight_bytes).
constexpr std::uint64_t largest_window = 32 << 20;
constexpr Duration shortest_back_off = std::chrono::milliseconds(20);
constexpr Duration longest_back_off = std::chrono::seconds(2);
constexpr Duration accept_within = std::chrono::seconds(3);

/// Between half of it and all of it, so that those who lost the same producer do not come back all at once.
Duration jittered(Duration duration) {
  std::uint32_t random = 0;
  random_bytes(&random, sizeof random);
  return duration / 2 + duration / 2 * (random % 1024) / 1024;
}

void add(std::atomic<std::uint64_t>& counter, std::uint64_t count) {  // one writer: no locked instruction
  counter.store(counter.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
}

/// Attempts to subscribe are counted from here, so that those of a consumer that starts later come later.
std::uint64_t now_us() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(now).count());
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
  if (demand.min_events >= demand.max_events || demand.max_bytes == 0) {
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
      epoch_(now_us()),
      exact_(options_.identity.empty()),
      back_off_(shortest_back_off),
      self_(std::make_shared<Receiver*>(this)) {
  demand_of(options_.subscription);
  if (options_.positions) load_position();
  watch_ = node_.watch(source(), loop_, [self = std::weak_ptr(self_)](std::optional<Target> target) {
    if (const auto receiver = self.lock()) (*receiver)->handle_target(std::move(target));
  });
  timer_ = loop_.reactor().after(node_.options().liveness / 8, [this] { handle_time(); });
}

/// Where its predecessor stopped. It may have handled more than it could save.
void Receiver::load_position() {
  const auto text = options_.positions->load(options_.key);
  if (!text) return;
  const auto saved = parse_position(*text);
  if (!saved) {
    throw Error(ErrorCode::invalid,
                fmt::format("what is kept as the position of '{}' in {} makes no sense: '{}'; without it the consumer "
                            "would start anew",
                            options_.identity, source().text(), *text));
  }
  standing_ = saved->standing;
  // A place counts what was selected: of another selection it says only where the batch began.
  if (saved->selection != fingerprint(options_.subscription.topics)) standing_->place.events = 0;
  epoch_ = std::max(epoch_, saved->epoch + 1);
}

/// False if that failed, and so nothing may be acknowledged.
bool Receiver::save_position() {
  if (!options_.positions || !inlet_->accepted()) return true;
  const Selection selection = options_.subscription.topics;
  try {
    options_.positions->save(options_.key, to_text({inlet_->standing(), fingerprint(selection), epoch_}));
  } catch (const std::exception& error) {
    if (!std::exchange(save_failed_, true)) {
      node_.logger().error(
          fmt::format("{}: its position in {} could not be saved, so nothing is acknowledged until it "
                      "can: {}",
                      options_.consumer, source().text(), error.what()));
    }
    return false;
  }
  if (std::exchange(save_failed_, false)) {
    node_.logger().warning(fmt::format("{}: its position in {} is saved again", options_.consumer, source().text()));
  }
  return true;
}

Receiver::~Receiver() { stop(core::reason::cancelled); }

void Receiver::stop(std::string_view reason) {
  if (!self_) return;
  self_.reset();
  node_.unwatch(watch_);
  loop_.reactor().cancel(timer_);
  loop_.reactor().cancel(retry_timer_);
  if (dealer_ && !disconnected_) {
    if (inlet_->accepted()) {
      note_made();
      say(true);
    }
    if (!options_.identity.empty() && reason != core::reason::superseded) reason = core::reason::away;
    dealer_->send(core::encode(core::Cancel{std::string(reason), "the consumer stops"}));
  }
  reading_ = false;
  inlet_.reset();
  dealer_.reset();
}

void Receiver::stop_taking() {
  if (!self_ || stopped_taking_) return;
  if (options_.identity.empty()) {
    stop(core::reason::cancelled);
    return;
  }
  stopped_taking_ = true;
  if (dealer_) dealer_->pause(true);
  if (!inlet_) return;
  inlet_->stop_granting();
  note_made();
  settle();
}

void Receiver::handle_target(std::optional<Target> target) {
  target_ = std::move(target);
  if (!target_ || target_->endpoints.empty()) {
    if (!dealer_) set_state(State::searching);
    return;  // a link that works is not cut because a name service forgot a name
  }
  if (target_->stage == ended_stage_) return;
  if (dealer_) {
    if (connected_stage_ == target_->stage) return;
    if (!disconnected_)
      dealer_->send(core::encode(core::Cancel{std::string(core::reason::cancelled), "another has the name now"}));
    handle_disconnected();  // what has arrived is handled first
    return;
  }
  endpoint_ = 0;
  back_off_ = shortest_back_off;
  connect();
}

void Receiver::connect() {
  loop_.reactor().cancel(retry_timer_);
  if (dealer_ || superseded_ || stopped_taking_ || !target_ || target_->endpoints.empty()) return;
  if (target_->stage == ended_stage_) return;
  const std::string& endpoint = target_->endpoints[endpoint_ % target_->endpoints.size()];
  connected_stage_ = target_->stage;
  connected_at_ = Clock::now();
  disconnected_ = false;
  shares_frames_ = endpoint.starts_with("inproc://");
  ++epoch_;
  inlet_.emplace(inlet_options(), connected_at_);
  node_.logger().debug(fmt::format("{}: connecting to {} at {}", options_.consumer, source().text(), endpoint));
  try {
    dealer_ = std::make_unique<net::Dealer>(
        node_.context(), loop_.reactor(), endpoint, net::Dealer::Options{.max_message_bytes = largest_frame},
        net::Dealer::Callbacks{[this] { work(); }, {}, [this] { handle_disconnected(); }});
  } catch (const Error& error) {  // a local producer that is gone, or an endpoint that makes no sense
    lose(error.what(), true);
    return;
  }
  dealer_->send(inlet_->hello());
}

core::Inlet::Options Receiver::inlet_options() {
  core::Inlet::Options options;
  options.stage = target_->stage;
  options.subscription = id_;
  options.epoch = epoch_;
  options.identity = options_.identity;
  options.consumer = options_.consumer;
  options.consumer_stage = options_.consumer_stage;
  options.selection = options_.subscription.topics;
  options.demand = demand_of(options_.subscription);
  options.silence = std::max(node_.options().liveness, options_.subscription.patience);
  options.acknowledge_later = options_.acknowledge_downstream;
  options.previous = options_.acknowledge_downstream ? settled_ : standing_;
  options.exact = exact_;
  options.seen = &seen_;
  return options;
}

/// Handles what has arrived, up to a bound: then others on this loop have their turn.
void Receiver::work() {
  bool looked_again = false;
  for (int frames = 0; dealer_ && !blocked_ && !failed_; ++frames) {
    if (stopped_taking_) {
      if (disconnected_) lose("the connection ended", false);
      return;
    }
    if (reading_ && !read_events()) return;
    if (!dealer_) return;
    if (frames >= frames_a_turn) {
      work_later();
      return;
    }
    auto frame = dealer_->receive();
    if (!frame) {
      // An acknowledgement makes the producer send whatever it has. Whoever is ready to run goes first: on a busy
      // machine there is more then, and frames stay large without a timer; on an idle one this takes a microsecond.
      if (frames > 0 && !std::exchange(looked_again, true)) {
        std::this_thread::yield();
        continue;
      }
      if (disconnected_) {
        lose("the connection ended", false);
      } else {
        inlet_->handle_idle(Clock::now());
        say(true);
        taker_.note_idle();
      }
      return;
    }
    if (!handle_frame(std::move(*frame))) return;
  }
}

/// Hands the events of the frame to the taker. False if it has to stop before the end of it.
bool Receiver::read_events() {
  using Progress = EventTaker::Progress;
  const std::uint64_t tick = node_.ticks();
  for (;;) {
    const Progress progress = taker_.take({*inlet_, source(), received_, tick, shares_frames_ ? nullptr : frame_});
    if (progress == Progress::read) break;
    if (progress != Progress::handled) {
      finish_later_ = progress == Progress::blocked;
      blocked_ = finish_later_ || progress == Progress::waits;
      if (blocked_) dealer_->pause(true);  // or what waits there would be looked at again and again
      failed_ = progress == Progress::failed;
      taker_.note_pause();
      return false;
    }
    see_to_inlet();
    if (node_.ticks() != tick || stopped_taking_) {  // time for heartbeats, or to stop
      work_later();
      return false;
    }
  }
  reading_ = false;
  frame_ = {};
  note_made();
  taker_.note_pause();
  settle();
  passed_over_.store(passed_before_ + inlet_->passed_over(), std::memory_order_relaxed);
  if (inlet_->failure().reason.empty()) return true;
  note_malformed();
  if (!disconnected_) dealer_->send(inlet_->farewell());
  lose(inlet_->failure().detail, false);
  return false;
}

/// False if the link is over.
bool Receiver::handle_frame(net::Frame frame) {
  const Time now = Clock::now();
  frame_ = std::make_shared<net::Frame>(std::move(frame));
  const Input input = inlet_->handle(frame_->bytes(), now);
  if (input == Input::events) {
    reading_ = true;
    if (inlet_->attention()) tell_gaps();
    return true;
  }
  frame_ = {};
  switch (input) {
    case Input::accepted:
      if (!settled_ || settled_->place.stream != inlet_->place().stream) settled_ = inlet_->standing();
      set_state(State::connected);
      break;
    case Input::ended:
      ended_stage_ = connected_stage_;
      lose("its stream has ended", false);
      return false;
    case Input::cancelled:
      handle_cancelled();
      return false;
    case Input::malformed:
      note_malformed();
      if (!disconnected_) dealer_->send(inlet_->farewell());
      lose(inlet_->failure().detail, true);
      return false;
    default:
      if (const auto upto = inlet_->draining_upto(); upto && !std::exchange(told_draining_, true)) {
        node_.logger().info(fmt::format("{}: {} takes nothing in any more, and ends at position {}", options_.consumer,
                                        source().text(), *upto));
      }
      break;
  }
  tell_gaps();
  return true;
}

void Receiver::handle_cancelled() {
  const core::Cancel cancel = inlet_->failure();
  superseded_ = cancel.reason == core::reason::superseded;
  lose(fmt::format("it said '{}': {}", cancel.reason, cancel.detail), true);
  if (superseded_) taker_.note_superseded(source());
}

/// With acknowledge_downstream: what has been handled so far is settled when all that was made so far is.
void Receiver::note_made() {
  if (!options_.acknowledge_downstream || !inlet_ || inlet_->handled_events() == 0) return;
  ledger_.record(taker_.made_upto(), inlet_->handled_events(), inlet_->standing());
}

void Receiver::settle() {
  if (!options_.acknowledge_downstream || !inlet_) return;
  const auto entry = ledger_.acknowledge(taker_.settled_upto());
  if (!entry) return;
  settled_ = entry->standing;
  inlet_->acknowledge(entry->handled);
  say(true);
}

void Receiver::note_malformed() {
  add(malformed_, 1);
  at_fault_ = true;
}

void Receiver::finish_event() {
  inlet_->handled();
  see_to_inlet();
}

void Receiver::see_to_inlet() {
  if (inlet_->handled_events() % events_an_entry == 0) note_made();
  if (!inlet_->attention()) return;
  tell_gaps();
  say(false);
}

/// The order: handled, saved, acknowledged.
void Receiver::say(bool idle) {
  if (!inlet_->grant_waits(idle) || !save_position()) return;
  if (const auto grant = inlet_->poll_grant(idle, Clock::now()); grant && !disconnected_) dealer_->send(*grant);
}

void Receiver::tell_gaps() {
  for (const Gap& gap : inlet_->poll_gaps()) {
    if (gap.count) {
      add(lost_, *gap.count);
    } else {
      add(unknown_gaps_, 1);
    }
    node_.logger().warning(fmt::format("{}: {} of {} will not come: {}", options_.consumer,
                                       gap.count ? fmt::format("{} events", *gap.count) : "an unknown number of events",
                                       source().text(), gap.reason));
    taker_.note_gap(source(), gap);
  }
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
  if (!std::exchange(blocked_, false)) return;
  if (dealer_ && !stopped_taking_) dealer_->pause(false);
  if (std::exchange(finish_later_, false) && inlet_) {
    finish_event();
    if (stopped_taking_) note_made();
  }
  work_later();
}

void Receiver::handle_disconnected() {
  disconnected_ = true;
  work_later();  // reads what has arrived, then sees that nothing follows
}

/// The link is over: note where it stood, and try again. `why` by value: it is often the inlet's, which goes.
void Receiver::lose(std::string why, bool try_next_endpoint) {
  const bool was_accepted = inlet_->accepted();
  const bool ended = connected_stage_ == ended_stage_;
  if (std::exchange(finish_later_, false)) inlet_->handled();  // what was made of it waits for room
  if (was_accepted) {
    standing_ = inlet_->standing();
    exact_ = true;
    if (settled_ && settled_->place.stream == standing_->place.stream) {
      settled_->ended = standing_->ended;
      settled_->told.upto = standing_->told.upto;
    }
    if (options_.acknowledge_downstream) inlet_->record_seen();  // what is not acknowledged comes again
    save_position();
  }
  ledger_.clear();
  passed_before_ += inlet_->passed_over();
  told_draining_ = false;
  if (was_accepted && !std::exchange(at_fault_, false)) back_off_ = shortest_back_off;
  reading_ = false;
  inlet_.reset();
  dealer_.reset();
  node_.logger().info(fmt::format("{}: link to {} is over: {}", options_.consumer, source().text(), why));
  if (superseded_) {
    set_state(State::superseded);
    return;
  }
  if (was_accepted && !ended) set_state(State::lost);
  set_state(State::searching);
  if (try_next_endpoint || !was_accepted) ++endpoint_;
  connect_later();
}

void Receiver::connect_later() {
  loop_.reactor().cancel(retry_timer_);
  retry_timer_ = loop_.reactor().after(jittered(back_off_), [this] { connect(); });
  back_off_ = std::min(back_off_ * 2, longest_back_off);
}

void Receiver::handle_time() {
  timer_ = loop_.reactor().after(node_.options().liveness / 8, [this] { handle_time(); });
  if (!dealer_ || disconnected_) return;
  const Time now = Clock::now();
  if (const auto heartbeat = inlet_->accepted() ? inlet_->poll_heartbeat(now) : std::nullopt) dealer_->send(*heartbeat);
  if (save_failed_) say(true);
  if (reading_ || blocked_ || stopped_taking_) {
    inlet_->handle_busy(now);
  } else if (inlet_->accepted() ? inlet_->silent(now)
                                : now - connected_at_ > std::min(accept_within, node_.options().liveness)) {
    lose("nothing was heard for too long", true);
  }
}

void Receiver::set_state(State state) {
  if (state_.exchange(state) == state && std::exchange(state_told_, true)) return;
  state_told_ = true;
  node_.logger().info(fmt::format("{}: {} {}", options_.consumer, to_string(state), source().text()));
  taker_.note_state(source(), state);
}

}  // namespace galena::detail
