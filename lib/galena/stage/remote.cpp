// SPDX-License-Identifier: Apache-2.0
#include "galena/stage/remote.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "galena/error.hpp"
#include "galena/stage/hints.hpp"
#include "galena/stage/waiting.hpp"

namespace galena::detail {
namespace {

/// How much is given to the Outlet at a time: what waits there can no longer be withdrawn.
constexpr std::uint64_t chunk_bytes = 64 << 10;
constexpr std::uint64_t chunk_events = 1024;
constexpr int answers_a_turn = 64;
constexpr Duration reconnect_after = std::chrono::milliseconds(100);

std::uint64_t size_of(const EventView& event) { return event.topic.size() + event.payload.size() + sizeof(Event); }

}  // namespace

Remote::Remote(std::shared_ptr<NodeCore> node, Name producer, bool values, const RemoteProducerOptions& options)
    : node_(std::move(node)), name_(std::move(producer)), values_(values), options_(options) {
  stopper_ = node_->add_stopper([this] { end_waits(); });
  node_->loop().call([this] {
    OutletDriver::Options driver;
    driver.outlet.stage = Id::random();
    driver.outlet.stream = Id::random();
    driver.outlet.silence = node_->options().liveness;
    driver.outlet.buffer.limit_bytes = std::max<std::uint64_t>(options_.queue_bytes, 1 << 20);
    driver.label = fmt::format("ingest into {}", name_.text);
    driver_ = std::make_unique<OutletDriver>(node_->loop(), *this, node_->logger(), std::move(driver));
    handle_time();
    hint_timer_ = node_->loop().reactor().after(hint_after, [this] { give_hint(); });
  });
  watch_ = node_->watch(name_, node_->loop(), [self = std::weak_ptr(self_)](std::optional<Target> target) {
    if (const auto remote = self.lock()) (*remote)->handle_target(std::move(target));
  });
}

Remote::~Remote() {
  const bool drained = drain(options_.drain);
  node_->remove_stopper(stopper_);
  close();
  node_->unwatch(watch_);
  node_->loop().call([this] {
    self_.reset();
    node_->loop().reactor().cancel(timer_);
    node_->loop().reactor().cancel(retry_timer_);
    node_->loop().reactor().cancel(hint_timer_);
    driver_->with_outlet([](core::Outlet& outlet) { outlet.end(); });
    driver_->transmit();
    driver_.reset();
    dealer_.reset();
  });
  if (drained) return;
  const RemoteCounts now = counts();
  if (now.pending == 0) return;
  node_->logger().warning(
      fmt::format("{} of {} events for '{}' are not known to have arrived: {} were never sent, {} were not answered",
                  now.pending, now.taken, name_.text, queue_.size(), sent_.size()));
}

Remote::Ticket Remote::take(const EventView& event, const Until& until) {
  node_->check_process();
  if (core::event_bytes(event) > driver_->largest_event() || event.topic.size() > core::max_topic_bytes) {
    throw Error(
        ErrorCode::invalid,
        fmt::format("an event of {} bytes is too large to be ingested from elsewhere: at most {} with its topic, "
                    "a quarter of queue_bytes",
                    event.payload.size(), driver_->largest_event()));
  }
  std::unique_lock lock(mutex_);
  const auto has_room = [this] { return queue_.empty() || queued_bytes_ < options_.queue_bytes; };
  if (!closed_ && !has_room() && !wait(lock, until, has_room) && Clock::now() >= until.deadline()) {
    lock.unlock();
    throw late();
  }
  if (closed_ || !has_room()) {
    throw Error(ErrorCode::stopped, fmt::format("the event for '{}' was not taken: told to stop", name_.text));
  }
  queue_.push_back({++last_, Event(event)});
  queued_bytes_ += size_of(event);
  if (!std::exchange(pump_posted_, true)) pump_later();
  return last_;
}

RemoteAnswer Remote::answer(Ticket ticket, const Until& until) {
  std::unique_lock lock(mutex_);
  const auto is_answered = [&] {
    const Ticket in_flight = sent_.empty() ? ~Ticket{0} : sent_.front().ticket;
    const Ticket queued = queue_.empty() ? ~Ticket{0} : queue_.front().ticket;
    return ticket < std::min(in_flight, queued) || verdicts_.is_recorded(ticket);
  };
  if (!is_answered() && !wait(lock, until, is_answered)) return {};
  return verdicts_.of(ticket);
}

bool Remote::withdraw(Ticket ticket) {
  const std::lock_guard lock(mutex_);
  const auto at = std::lower_bound(queue_.begin(), queue_.end(), ticket,
                                   [](const Waiting& waiting, Ticket sought) { return waiting.ticket < sought; });
  if (at == queue_.end() || at->ticket != ticket) return false;
  queued_bytes_ -= size_of(at->event.view());
  queue_.erase(at);
  record(ticket, ticket, Verdict::withdrawn, {});
  return true;
}

bool Remote::drain(const Until& until) {
  std::unique_lock lock(mutex_);
  const std::uint64_t failed = counts_.refused + counts_.unknown;
  const auto all_answered = [this] { return queue_.empty() && sent_.empty(); };
  return (all_answered() || wait(lock, until, all_answered)) && counts_.refused + counts_.unknown == failed;
}

void Remote::end_waits() {
  const std::lock_guard lock(mutex_);
  ++ended_waits_;
  changed_.notify_all();
}

void Remote::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  ++ended_waits_;
  changed_.notify_all();
}

RemoteCounts Remote::counts() {
  const std::lock_guard lock(mutex_);
  RemoteCounts counts = counts_;
  counts.taken = last_;
  counts.pending = queue_.size() + sent_.size();
  counts.accepted = last_ - counts.pending - counts.refused - counts.withdrawn - counts.unknown;
  return counts;
}

Error Remote::late() {
  std::unique_lock lock(mutex_);
  const bool connected = ever_connected_;
  const bool found = found_;
  lock.unlock();  // the loop may wait for it, and is asked next
  if (!connected && !found) return {ErrorCode::unreachable, not_found(*node_, name_)};
  if (!connected) {
    return {ErrorCode::unreachable, fmt::format("'{}' was found and did not answer in time", name_.text)};
  }
  return {ErrorCode::timeout, fmt::format("'{}' did not take the event in time", name_.text)};
}

void Remote::give_hint() {
  if (target_) return;
  const std::string hint = name_hint(*node_, name_);
  if (!hint.empty()) node_->logger().warning(fmt::format("ingest into '{}' still searches: {}", name_.text, hint));
}

/// Waits until done(). False if `until` was over first, or the waits were ended.
template <class Done>
bool Remote::wait(std::unique_lock<std::mutex>& lock, const Until& until, Done done) {
  const std::uint64_t before = ended_waits_;
  const auto over = [&] { return done() || ended_waits_ != before; };
  wait_until(changed_, lock, until.deadline(), &until.stop(), over);
  return done();
}

/// Under the mutex.
void Remote::record(Ticket first, Ticket last, Verdict verdict, const std::string& reason) {
  verdicts_.record(first, last, verdict, reason);
  (verdict == Verdict::refused     ? counts_.refused
   : verdict == Verdict::withdrawn ? counts_.withdrawn
                                   : counts_.unknown) += last - first + 1;
  if (verdict == Verdict::refused) counts_.last_refusal = reason;
  changed_.notify_all();
}

net::Sent Remote::send(const std::string& peer, std::string_view bytes) {
  if (dealer_ && peer == peer_) dealer_->send(bytes);
  return net::Sent::ok;  // that the link is over is told by the dealer
}

net::Sent Remote::lend(const std::string& peer, net::Loan loan) {
  if (dealer_ && peer == peer_) {
    dealer_->send(loan);
  } else {
    loan.free(const_cast<void*>(loan.data), loan.hint);
  }
  return net::Sent::ok;
}

void Remote::handle_target(std::optional<Target> target) {
  target_ = std::move(target);
  endpoint_ = 0;
  {
    const std::lock_guard lock(mutex_);
    found_ = target_.has_value();
  }
  if (dealer_ && target_ && target_->stage != connected_stage_) lose();
  connect();
}

void Remote::connect() {
  node_->loop().reactor().cancel(retry_timer_);
  if (dealer_ || !target_ || target_->endpoints.empty()) return;
  if (target_->stage == denied_by_) {
    // A producer that takes no such events is asked again only for another event: it may have changed its name.
    const std::lock_guard lock(mutex_);
    if (queue_.empty()) return;
  }
  connected_stage_ = target_->stage;
  peer_ = std::to_string(++epoch_);
  try {
    dealer_ = std::make_unique<net::Dealer>(node_->context(), node_->loop().reactor(),
                                            target_->endpoints[endpoint_ % target_->endpoints.size()],
                                            net::Dealer::Options{.max_message_bytes = core::max_message_bytes},
                                            net::Dealer::Callbacks{[this] { read(); }, {}, [this] { lose(); }});
  } catch (const Error&) {
    lose();
    return;
  }
  const core::Outlet::Options self = driver_->with_outlet([](core::Outlet& outlet) { return outlet.options(); });
  dealer_->send(core::encode(core::Offer{target_->stage, self.stage, self.stream, values_, self.silence}));
}

void Remote::read() {
  for (int i = 0; i < answers_a_turn && dealer_; ++i) {
    const auto frame = dealer_->receive();
    if (!frame) break;
    const auto message = core::decode(frame->bytes());
    if (!message) {
      driver_->handle_malformed(peer_, core::why_malformed(frame->bytes()));
      driver_->transmit();  // says why
      lose();
    } else if (!handle(*message)) {
      return;
    }
  }
  if (dealer_) pump();
}

/// False if the link is over.
bool Remote::handle(const core::Message& message) {
  if (const auto* refuse = std::get_if<core::Refuse>(&message)) {
    const std::lock_guard lock(mutex_);
    if (refuse->number <= answered_ || refuse->number - answered_ > sent_.size()) return true;  // makes no sense
    const Ticket ticket = sent_[refuse->number - answered_ - 1].ticket;
    if (!verdicts_.is_recorded(ticket)) record(ticket, ticket, Verdict::refused, refuse->detail);
    return true;
  }
  if (const auto* cancel = std::get_if<core::Cancel>(&message)) {
    lose();
    if (cancel->reason == core::reason::not_accepted) deny(cancel->detail);
    return false;
  }
  if (const auto* subscribe = std::get_if<core::Subscribe>(&message)) {
    const std::lock_guard lock(mutex_);
    largest_event_ = subscribe->largest_event;
    ever_connected_ = linked_ = true;
    answered_ = 0;
  }
  driver_->handle(peer_, message, Clock::now());
  handle_answers();
  if (!linked_ || has_link()) return true;
  driver_->transmit();  // says why
  lose();
  return false;
}

bool Remote::has_link() {
  return driver_->with_outlet([this](core::Outlet& outlet) { return outlet.has_link(peer_); });
}

void Remote::handle_answers() {
  if (!linked_) return;
  const std::uint64_t answered = driver_->with_outlet([](core::Outlet& outlet) {
    const auto links = outlet.links();
    return links.empty() ? 0 : links.front().acknowledged;
  });
  if (answered <= answered_) return;
  const std::lock_guard lock(mutex_);
  sent_.erase(sent_.begin(), sent_.begin() + static_cast<std::ptrdiff_t>(answered - answered_));
  answered_ = answered;
  changed_.notify_all();
}

void Remote::pump_later() {
  node_->loop().post([self = std::weak_ptr(self_)] {
    if (const auto remote = self.lock()) (*remote)->pump();
  });
}

/// Hands events to the Outlet as long as the producer has granted credit.
void Remote::pump() {
  {
    const std::lock_guard lock(mutex_);
    pump_posted_ = false;
  }
  if (denied_by_) connect();
  while (linked_ && pump_some()) driver_->transmit();
  driver_->transmit();
}

/// False if there is nothing to hand on, or no credit.
bool Remote::pump_some() {
  std::uint64_t events = driver_->with_outlet([](core::Outlet& outlet) { return outlet.open_credit().total; });
  events = std::min(events, chunk_events);
  const std::lock_guard lock(mutex_);
  std::uint64_t bytes = 0;
  for (; events > 0 && bytes < chunk_bytes && !queue_.empty(); --events) {
    const EventView event = queue_.front().event.view();
    const std::uint64_t size = size_of(event);
    if (event.topic.size() + event.payload.size() > largest_event_) {
      const Ticket ticket = queue_.front().ticket;
      record(ticket, ticket, Verdict::refused,
             fmt::format("an event of {} bytes is larger than '{}' takes: at most {} with its topic",
                         event.payload.size(), name_.text, largest_event_));
    } else if (driver_->offer(event, nullptr)) {
      sent_.push_back(std::move(queue_.front()));
    } else {
      break;
    }
    bytes += size;
    queued_bytes_ -= size;
    queue_.pop_front();
  }
  if (bytes > 0) changed_.notify_all();
  return bytes > 0;
}

/// Deliveries of this link that may have left. If the Outlet has given up the link already, that is all of them.
std::uint64_t Remote::sent_over_link() {
  const std::optional<std::uint64_t> sent = driver_->with_outlet([this](core::Outlet& outlet) {
    return outlet.has_link(peer_) ? std::optional(outlet.links().front().sent) : std::nullopt;
  });
  const std::lock_guard lock(mutex_);
  return sent.value_or(answered_ + sent_.size());
}

/// This producer takes no such events. What waits for it must not go to a later one of the same name.
void Remote::deny(const std::string& why) {
  denied_by_ = connected_stage_;
  const std::lock_guard lock(mutex_);
  for (const Waiting& waiting : std::exchange(queue_, {})) {
    record(waiting.ticket, waiting.ticket, Verdict::refused, why);
  }
  queued_bytes_ = 0;
  counts_.last_refusal = why;
}

void Remote::lose() {
  const std::uint64_t sent = sent_over_link();
  dealer_.reset();
  ++endpoint_;
  driver_->handle_gone(peer_, Clock::now());
  linked_ = false;
  {
    const std::lock_guard lock(mutex_);
    for (; sent_.size() > sent - answered_; sent_.pop_back()) {  // what has not left goes over the next link
      queued_bytes_ += size_of(sent_.back().event.view());
      queue_.push_front(std::move(sent_.back()));
    }
    for (const Waiting& left : std::exchange(sent_, {})) {
      if (verdicts_.is_recorded(left.ticket)) continue;  // refused, though not acknowledged yet
      record(left.ticket, left.ticket, Verdict::unknown,
             fmt::format("the connection to '{}' broke before it answered: the event may have been accepted or not",
                         name_.text));
    }
    changed_.notify_all();
  }
  retry_timer_ = node_->loop().reactor().after(reconnect_after, [this] { connect(); });
}

void Remote::handle_time() {
  timer_ = node_->loop().reactor().after(node_->options().liveness / 8, [this] { handle_time(); });
  if (linked_ && !has_link()) lose();
}

}  // namespace galena::detail
