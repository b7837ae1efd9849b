// SPDX-License-Identifier: Apache-2.0
#include "galena/stage/publisher.hpp"

#include <thread>

#include <fmt/format.h>

#include "galena/error.hpp"
#include "galena/net/interface.hpp"

namespace galena::detail {
namespace {

constexpr int messages_a_turn = 64;
constexpr int messages_before_gone = 1000;
constexpr std::size_t max_feeds = 1000;
/// Messages that a peer may leave unread: far more than credit lets be on their way, so that it is a stranger who sends
/// and does not listen. It counts as gone.
constexpr int max_unread = 10'000;
/// Whoever asks more often how the subscriptions stand is not answered: an answer is larger than the question.
/// Below this a frame is copied into a message: cheaper than a loan of a segment.
constexpr std::size_t smallest_loan = 2048;
/// What one feed may have on its way: enough to stream, and little beside the buffer it goes to.
constexpr core::Demand feed_demand{.max_events = 1 << 16, .min_events = 1 << 15, .max_bytes = 1 << 20};

}  // namespace

Publisher::Publisher(Loop& loop, net::Context& context, const Logger& logger, Options options)
    : loop_(loop), logger_(logger), options_(std::move(options)), outlet_(options_.outlet, Clock::now()) {
  net::Router::Options router;
  router.max_message_bytes = static_cast<std::int64_t>(outlet_.buffer().largest_event() + (4U << 20));
  router.send_queue = max_unread;
  router_ = std::make_unique<net::Router>(context, loop_.reactor(), router, [this] { serve(); });
  bind();
  hook_ = std::make_shared<ReleaseHook>([this, self = std::weak_ptr(self_)] {
    loop_.post([this, self] {
      if (self.expired()) return;
      {
        const std::lock_guard guard(lock());
        outlet_.buffer().reclaim();
      }
      transmit();
    });
  });
  handle_time();
}

Publisher::~Publisher() {
  hook_->disconnect();
  loop_.reactor().cancel(timer_);
}

void Publisher::bind() {
  const std::string id = options_.outlet.stage.hex();
  endpoints_.push_back(router_->bind("inproc://galena-" + id));
  if (!options_.is_global) return;
  const std::vector<net::Interface> interfaces = net::interfaces(options_.interface);
  if (interfaces.empty()) {
    throw Error(ErrorCode::invalid,
                options_.interface.empty()
                    ? "no network interface is up, not even the loopback"
                    : fmt::format("there is no interface '{}' with an IPv4 address; `ip -4 addr` lists them",
                                  options_.interface));
  }
  const auto bind_tcp = [&](const std::string& address) {
    const std::string bound = router_->bind("tcp://" + address + ":*");
    return bound.substr(bound.rfind(':'));
  };
  if (options_.interface.empty()) {
    const std::string port = bind_tcp("0.0.0.0");
    for (const net::Interface& interface : interfaces) {
      endpoints_.push_back("tcp://" + net::dotted(interface.address) + port);
    }
  } else {
    for (const net::Interface& interface : interfaces) {
      const std::string address = net::dotted(interface.address);
      endpoints_.push_back("tcp://" + address + bind_tcp(address));
    }
  }
  endpoints_.push_back(router_->bind("ipc://@galena/stage/" + id));
  if (logger_.wants(LogLevel::info)) {
    logger_.info(fmt::format("{}: listening at {}", options_.label, fmt::join(endpoints_, ", ")));
  }
}

bool Publisher::append(const EventView& event, core::Provenance* from) {
  const auto answer = outlet_.append(event, from);
  if (!wake_pending_ && outlet_.wants_poll()) [[unlikely]] {
    // On its own thread the stage transmits by itself when it has done what it is doing.
    wants_wake_ = !loop_.is_here() || options_.shares_loop;
  }
  if (answer == core::Outlet::Answer::accepted) [[likely]] {
    ++ingested_;
    if (from != nullptr) ++from->origin.part;
    return true;
  }
  if (answer == core::Outlet::Answer::too_large) refuse_size(event);
  return false;
}

bool Publisher::can_adopt() {
  const std::lock_guard guard(lock());
  return outlet_.buffer().can_adopt();
}

core::Outlet::Answer Publisher::adopt(std::span<char> batch, std::uint32_t count, std::shared_ptr<void> frame) {
  core::Segment* const segment =
      core::Segment::adopt(batch.data(), static_cast<std::uint32_t>(batch.size()), std::move(frame));
  const std::lock_guard guard(lock());
  const auto answer = outlet_.adopt(segment, count);
  if (answer == core::Outlet::Answer::accepted) {
    ingested_ += count;
  } else {
    segment->release();
  }
  return answer;
}

void Publisher::refuse_size(const EventView& event) const {
  throw Error(
      ErrorCode::invalid,
      fmt::format("an event of {} bytes with a topic of {} bytes is too large for {}: at most {} bytes in all, a "
                  "quarter of buffer_bytes, and {} of topic",
                  event.payload.size(), event.topic.size(), options_.label, outlet_.buffer().largest_event(),
                  core::max_topic_bytes));
}

bool Publisher::wait_for_room(std::unique_lock<Lock>& lock, std::optional<Time> deadline) {
  if (interrupted_) return false;
  if (loop_.is_here() || (options_.shares_loop && Loop::is_on_shared())) {
    throw Error(
        ErrorCode::invalid,
        fmt::format("{}: its buffer is full, and a thread that stages share must not wait for room: ingest from "
                    "another thread, or use try_ingest",
                    options_.label));
  }
  // What was appended before must be on its way, or nothing ever makes room.
  if (outlet_.wants_poll() && !wake_pending_) {
    wake_pending_ = true;
    loop_.post([this] { transmit(); });
  }
  if (outlet_.buffer().awaiting_release()) {
    hook_->arm();
    outlet_.buffer().reclaim();
    if (outlet_.buffer().take_freed()) {
      room_found_ = true;
      if (!std::exchange(wake_pending_, true)) loop_.post([this] { transmit(); });
      return true;
    }
  }
  if (!deadline) {
    room_.wait(lock);
    return !interrupted_;
  }
  return room_.wait_until(lock, *deadline) == std::cv_status::no_timeout && !interrupted_;
}

void Publisher::unlock_and_wake() {
  wants_wake_ = false;
  wake_pending_ = true;
  lock().unlock();
  loop_.post([this] { transmit(); });
}

void Publisher::count_abandoned(const EventView& event) { abandoned_.add(event.topic, core::reason::stopped); }

void Publisher::serve() {
  std::this_thread::yield();  // as in Receiver::work(): who ingests goes first, and more fits into the frames
  for (int i = 0; i < messages_a_turn; ++i) {
    auto message = router_->receive();
    if (!message) break;
    receive(std::move(*message));
  }
  transmit();
}

void Publisher::receive(net::Router::Message message) {
  const Time now = Clock::now();
  const std::string& peer = message.peer;
  const std::string_view bytes = message.body.bytes();
  if (const auto feed = feeds_.find(peer); feed != feeds_.end()) {
    if (!feed->second->receive(std::move(message.body), now)) feeds_.erase(feed);
    return;
  }
  const auto decoded = core::decode(bytes);
  if (decoded && std::holds_alternative<core::Offer>(*decoded)) {
    open_feed(peer, std::get<core::Offer>(*decoded));
    return;
  }
  if (decoded && std::holds_alternative<core::Inquire>(*decoded)) {
    report_queue_.add(peer);
    return send_reports();
  }
  const std::lock_guard guard(lock());
  if (decoded) {
    outlet_.handle(peer, *decoded, now);
  } else {
    outlet_.handle_malformed(peer);
  }
  if (outlet_.subscribers() > 0) ever_subscribed_ = true;
}

void Publisher::send_reports() {
  const auto peers = report_queue_.poll(Clock::now());
  if (!peers.empty()) {
    const std::string bytes = core::encode(report());
    for (const std::string& peer : peers) tell(peer, bytes);
  }
  report_timer_.set(report_queue_.poll_timeout());
}

void Publisher::open_feed(const std::string& peer, const core::Offer& offer) {
  const auto refuse = [&](std::string_view reason, const std::string& detail) {
    tell(peer, core::encode(core::Cancel{std::string(reason), detail}));
  };
  const bool has_handler = options_.taker.on_value != nullptr;
  if (offer.stage && offer.stage != options_.outlet.stage) {
    refuse(core::reason::wrong_stage, "this is stage " + options_.outlet.stage.hex());
  } else if (!options_.takes_feeds) {
    refuse(core::reason::not_accepted, "this stage takes its input from its own producers only");
  } else if (offer.values && !has_handler) {
    refuse(core::reason::not_accepted, "this producer has no handler: it takes (topic, message), not a value");
  } else if (!offer.values && has_handler) {
    refuse(core::reason::not_accepted, "this producer has a handler: it takes a value, not (topic, message)");
  } else if (feeds_.size() >= max_feeds) {
    refuse(core::reason::not_accepted, fmt::format("{} others ingest here already", max_feeds));
  } else {
    core::Inlet::Options inlet;
    inlet.subscription = Id::random();
    inlet.consumer = options_.label;
    inlet.demand = feed_demand;
    inlet.silence = options_.outlet.silence;
    feeds_[peer] = std::make_unique<Feed>(
        *this, options_.taker, std::move(inlet), offer.values,
        [this, peer](const std::string& bytes) { tell(peer, bytes); }, Clock::now());
  }
}

/// After something was freed: those that waited for room go on.
void Publisher::work_feeds() {
  const Time now = Clock::now();
  for (auto it = feeds_.begin(); it != feeds_.end();) {
    it = it->second->work(now) ? std::next(it) : feeds_.erase(it);
  }
  if (options_.on_room) options_.on_room();
}

void Publisher::transmit() {
  std::uint64_t settled = 0;
  bool more = false;
  for (bool freed = true; freed;) {
    std::vector<std::string> notes;
    {
      const std::lock_guard guard(lock());
      wake_pending_ = false;
      outlet_.poll(parcels_, Clock::now());
      notes = outlet_.take_notes();
      if (outlet_.buffer().awaiting_release()) {  // in this order, or the last release might be missed
        hook_->arm();
        outlet_.buffer().reclaim();
      }
      freed = outlet_.buffer().take_freed() || room_found_;
      room_found_ = false;
      if (options_.on_settled) settled = outlet_.settled_upto();
      more = outlet_.wants_poll();
    }
    if (freed) room_.notify_all();
    changed_.notify_all();
    for (core::Parcel& parcel : parcels_) send(parcel);
    parcels_.clear();
    if (!notes.empty()) {
      log_notes(notes);
      note_subscribers();
    }
    if (freed) work_feeds();
  }
  if (std::exchange(told_settled_, settled) != settled) options_.on_settled();
  if (more) transmit_later();  // somebody reads what is kept, a piece a turn
}

void Publisher::transmit_later() {
  loop_.post([this, self = std::weak_ptr(self_)] {
    if (!self.expired()) transmit();
  });
}

void Publisher::send(core::Parcel& parcel) {
  net::Sent sent = net::Sent::ok;
  if (parcel.segment == nullptr) {
    sent = router_->send(parcel.peer, parcel.bytes);
  } else if (parcel.size < smallest_loan) {
    sent = router_->send(parcel.peer, parcel.view());
    parcel.segment->release();
  } else {
    sent = router_->send(parcel.peer, lend(parcel.segment, parcel.view(), hook_));
  }
  if (sent == net::Sent::ok) return;
  // What it said last may wait unread: that it leaves on purpose, for instance.
  if (gone_.empty()) {
    loop_.post([this, self = std::weak_ptr(self_)] {
      if (!self.expired()) see_off();
    });
  }
  gone_.push_back(parcel.peer);
}

/// Those who could not be reached are gone, once all that has come is read.
void Publisher::see_off() {
  const std::vector<std::string> gone = std::exchange(gone_, {});
  for (int i = 0; i < messages_before_gone; ++i) {
    auto message = router_->receive();
    if (!message) break;
    receive(std::move(*message));
  }
  for (const std::string& peer : gone) {
    feeds_.erase(peer);
    const std::lock_guard guard(lock());
    outlet_.handle_gone(peer, Clock::now());
  }
  transmit();
}

void Publisher::tell(const std::string& peer, const std::string& bytes) { router_->send(peer, bytes); }

void Publisher::log_notes(const std::vector<std::string>& notes) {
  for (const std::string& note : notes) logger_.info(options_.label + ": " + note);
}

void Publisher::note_subscribers() {
  std::size_t subscribers = 0;
  {
    const std::lock_guard guard(lock());
    subscribers = outlet_.subscribers();
  }
  if (subscribers != told_subscribers_ && options_.on_subscribers) options_.on_subscribers(subscribers);
  told_subscribers_ = subscribers;
}

void Publisher::handle_time() {
  const Time now = Clock::now();
  for (auto it = feeds_.begin(); it != feeds_.end();) {
    it = it->second->handle_time(now) ? std::next(it) : feeds_.erase(it);
  }
  {
    const std::lock_guard guard(lock());
    outlet_.handle_time(now);
  }
  transmit();
  timer_ = loop_.reactor().after(options_.outlet.silence / 8, [this] { handle_time(); });
}

void Publisher::close_feeds(std::string_view reason, std::string_view detail) {
  for (const auto& [peer, feed] : feeds_)
    tell(peer, core::encode(core::Cancel{std::string(reason), std::string(detail)}));
  feeds_.clear();
}

void Publisher::begin_drain() {
  close_feeds(core::reason::stopped, "the producer stops");
  options_.takes_feeds = false;
  {
    const std::lock_guard guard(lock());
    outlet_.drain();
  }
  transmit();
}

void Publisher::end() {
  {
    const std::lock_guard guard(lock());
    outlet_.end();
  }
  transmit();
}

void Publisher::cancel_all(std::string_view reason, std::string_view detail) {
  close_feeds(reason, detail);
  {
    const std::lock_guard guard(lock());
    outlet_.cancel_all(reason, detail);
  }
  transmit();
}

bool Publisher::wait_until(std::unique_lock<Lock>& lock, std::optional<Time> deadline,
                           const std::function<bool()>& done) {
  const auto over = [&] { return done() || interrupted_; };
  if (deadline) {
    changed_.wait_until(lock, *deadline, over);
  } else {
    changed_.wait(lock, over);
  }
  return done();
}

bool Publisher::drain(std::optional<Time> deadline) {
  std::unique_lock guard(lock());
  const std::uint64_t dropped = outlet_.buffer().drops().total();
  const bool drained = wait_until(guard, deadline, [this] {
    return outlet_.drained() && (ever_subscribed_ || ingested_ == 0) && !(options_.has_more && options_.has_more());
  });
  return drained && outlet_.buffer().drops().total() == dropped;
}

bool Publisher::wait_for_subscribers(std::size_t count, std::optional<Time> deadline) {
  std::unique_lock guard(lock());
  return wait_until(guard, deadline, [&] { return outlet_.subscribers() >= count; });
}

void Publisher::interrupt() {
  {
    const std::lock_guard guard(lock());
    interrupted_ = true;
  }
  room_.notify_all();
  changed_.notify_all();
}

std::uint64_t Publisher::next() {
  const std::lock_guard guard(lock());
  return outlet_.buffer().next();
}

std::uint64_t Publisher::settled_upto() {
  const std::lock_guard guard(lock());
  return outlet_.settled_upto();
}

std::uint64_t Publisher::outstanding() {
  const std::lock_guard guard(lock());
  return outlet_.outstanding();
}

core::Report Publisher::report() {
  const ProducerStats now = stats();
  return {now.ingested, now.outstanding, now.refused, now.malformed, now.buffered_bytes, now.drops, now.subscribers};
}

ProducerStats Publisher::stats() {
  const std::lock_guard guard(lock());
  ProducerStats stats;
  stats.ingested = ingested_;
  stats.outstanding = outlet_.outstanding();
  stats.drops = outlet_.buffer().drops().counts();
  for (const auto& [what, count] : abandoned_.counts()) stats.drops[what] += count;
  stats.dropped = outlet_.buffer().drops().total() + abandoned_.total();
  stats.refused = refused_;
  stats.malformed = outlet_.malformed() + malformed_feeds_;
  stats.buffered_bytes = outlet_.buffer().charged();
  stats.subscribers = outlet_.links();
  return stats;
}

}  // namespace galena::detail
