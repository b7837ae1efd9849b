// SPDX-License-Identifier: Apache-2.0
#include "galena/stage/publisher.hpp"

#include <thread>
#include <utility>

#include <fmt/format.h>

#include "galena/base/join.hpp"
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
/// Bytes of earlier answers. A report may be large: whoever has not taken so much gets none.
constexpr std::size_t most_unread_before_a_report = 64 << 10;
/// What one feed may have on its way: enough to stream, and little beside the buffer it goes to.
constexpr core::Demand feed_demand{.max_events = 1 << 16, .min_events = 1 << 15, .max_bytes = 1 << 20};

}  // namespace

Publisher::Publisher(Loop& loop, net::Context& context, const Logger& logger, Options options)
    : loop_(loop), logger_(logger), options_(std::move(options)) {
  OutletDriver::Options driver = options_.driver;
  driver.on_room = [this] { work_feeds(); };
  if (driver.on_change) driver.on_change = [this](const core::Outlet::Change& change) { tell(change); };
  driver_ = std::make_unique<OutletDriver>(loop_, *this, logger_, std::move(driver));
  driver_->on_unreachable = [this](const std::string& peer) { note_unreachable(peer); };
  net::Router::Options router;
  router.max_message_bytes = static_cast<std::int64_t>(driver_->largest_event() + (4U << 20));
  router.send_queue = max_unread;
  router_ = std::make_unique<net::Router>(context, loop_.reactor(), router, [this] { serve(); });
  bind();
  handle_time();
}

Publisher::~Publisher() {
  feeds_.clear();
  handlers_.join();
  loop_.reactor().cancel(timer_);
}

void Publisher::end_waits() {
  driver_->end_waits();
  handlers_.end_waits();
}

void Publisher::close() {
  driver_->close();
  handlers_.end_waits();
  loop_.post([this, self = std::weak_ptr(self_)] {
    if (!self.expired()) close_feeds(core::reason::stopped, "the producer stops");
  });
}

void Publisher::bind() {
  const std::string id = options_.driver.outlet.stage.hex();
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
    logger_.info(fmt::format("{}: listening at {}", options_.driver.label, join(endpoints_, ", ")));
  }
}

net::Sent Publisher::send(const std::string& peer, std::string_view bytes) { return router_->send(peer, bytes); }

net::Sent Publisher::lend(const std::string& peer, net::Loan loan) { return router_->send(peer, loan); }

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
  if (const auto feed = feeds_.find(peer); feed != feeds_.end()) {
    if (!feed->second->receive(std::move(message.body), now)) feeds_.erase(feed);
    return;
  }
  const auto decoded = core::decode(message.body.bytes());
  if (!decoded) {
    const std::string_view address = message.body.peer_address();
    driver_->handle_malformed(
        peer, core::why_malformed(message.body.bytes()) + (address.empty() ? "" : fmt::format(", from {}", address)));
  } else if (const auto* offer = std::get_if<core::Offer>(&*decoded)) {
    open_feed(peer, *offer);
  } else if (std::holds_alternative<core::Inquire>(*decoded)) {
    if (message.body.unread_bytes() > most_unread_before_a_report) return;  // whoever reads its answers may ask again
    report_queue_.add(peer);
    send_reports();
  } else {
    if (const auto* wish = std::get_if<core::Subscribe>(&*decoded)) {
      driver_->with_outlet([&](const auto&) { addresses_.record(wish->subscription, message.body); });
    }
    driver_->handle(peer, *decoded, now);
  }
}

void Publisher::tell(core::Outlet::Change change) {
  driver_->with_outlet([&](const auto&) { addresses_.fill(change.subscriber); });
  options_.driver.on_change(change);
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
  const bool has_handler = options_.handler.on_value != nullptr;
  if (offer.stage && offer.stage != options_.driver.outlet.stage) {
    refuse(core::reason::wrong_stage, "this is stage " + options_.driver.outlet.stage.hex());
  } else if (stops_) {
    refuse(core::reason::stopped, "the producer stops");  // a later one of its name may take it
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
    inlet.consumer = options_.driver.label;
    inlet.consumer_stage = options_.driver.outlet.stage;
    inlet.demand = feed_demand;
    inlet.silence = options_.driver.outlet.silence;
    inlet.largest_event = driver_->largest_event();
    try {
      Feed::Options feed{.inlet = std::move(inlet),
                         .say = [this, peer](const std::string& bytes) { tell(peer, bytes); },
                         .work_again = [this, peer] { work_feed(peer); },
                         .calls = offer.values ? make_calls(peer) : nullptr};
      feeds_[peer] = std::make_unique<Feed>(loop_.reactor(), *driver_, feed_counts_, std::move(feed), Clock::now());
    } catch (const Error& error) {  // no thread for the handler
      logger_.error(fmt::format("{}: ingest from elsewhere is refused: {}", options_.driver.label, error.what()));
      refuse(core::reason::not_accepted, error.what());
    }
  }
}

std::shared_ptr<ValueCalls> Publisher::make_calls(const std::string& peer) {
  return std::make_shared<ValueCalls>(*driver_, options_.handler, handlers_.get(), loop_,
                                      [this, peer] { work_feed(peer); });
}

/// The handler has returned.
void Publisher::work_feed(const std::string& peer) {
  const auto feed = feeds_.find(peer);
  if (feed == feeds_.end()) return;
  if (!feed->second->work(Clock::now())) feeds_.erase(feed);
  transmit();
}

/// After something was freed: those that waited for room go on.
void Publisher::work_feeds() {
  const Time now = Clock::now();
  for (auto it = feeds_.begin(); it != feeds_.end();) {
    it = it->second->work(now) ? std::next(it) : feeds_.erase(it);
  }
  if (options_.driver.on_room) options_.driver.on_room();
}

void Publisher::note_unreachable(const std::string& peer) {
  // What the peer said last may wait unread: that it leaves on purpose, for instance.
  if (gone_.empty()) {
    loop_.post([this, self = std::weak_ptr(self_)] {
      if (!self.expired()) see_off();
    });
  }
  gone_.push_back(peer);
}

/// Peers that could not be reached are gone, once all that has come is read.
void Publisher::see_off() {
  const std::vector<std::string> gone = std::exchange(gone_, {});
  for (int i = 0; i < messages_before_gone; ++i) {
    auto message = router_->receive();
    if (!message) break;
    receive(std::move(*message));
  }
  for (const std::string& peer : gone) {
    feeds_.erase(peer);
    driver_->handle_gone(peer, Clock::now());
  }
  transmit();
}

void Publisher::tell(const std::string& peer, const std::string& bytes) { router_->send(peer, bytes); }

void Publisher::handle_time() {
  const Time now = Clock::now();
  for (auto it = feeds_.begin(); it != feeds_.end();) {
    it = it->second->handle_time(now) ? std::next(it) : feeds_.erase(it);
  }
  driver_->with_outlet([&](const core::Outlet& outlet) {
    ages_.record(outlet.buffer().next(), outlet.outstanding_from(), now);
    if (addresses_.has_grown()) addresses_.keep(outlet.links());
  });
  timer_ = loop_.reactor().after(options_.driver.outlet.silence / 8, [this] { handle_time(); });
}

void Publisher::close_feeds(std::string_view reason, std::string_view detail) {
  stops_ = true;
  const std::string farewell = core::encode(core::Cancel{std::string(reason), std::string(detail)});
  std::vector<std::string> peers;
  for (const auto& [peer, feed] : feeds_) peers.push_back(peer);
  feeds_.clear();  // first: once a peer is told, no handler is called for its values
  for (const std::string& peer : peers) tell(peer, farewell);
}

void Publisher::begin_drain() {
  close_feeds(core::reason::stopped, "the producer stops");
  driver_->with_outlet([](core::Outlet& outlet) { outlet.drain(); });
  transmit();
}

void Publisher::flush() {
  driver_->with_outlet([](core::Outlet& outlet) { outlet.flush(); });
  transmit();
}

void Publisher::end() {
  driver_->with_outlet([](core::Outlet& outlet) { outlet.end(); });
  transmit();
}

void Publisher::cancel_all(std::string_view reason, std::string_view detail) {
  close_feeds(reason, detail);
  driver_->with_outlet([&](core::Outlet& outlet) { outlet.cancel_all(reason, detail); });
  transmit();
}

core::Report Publisher::report() {
  const ProducerStats now = stats();
  const auto oldest = static_cast<std::uint64_t>(in_milliseconds(now.oldest));
  return {now.ingested,      now.outstanding,    oldest,    now.refused,    now.malformed,
          now.wrong_version, now.buffered_bytes, now.drops, now.subscribers};
}

ProducerStats Publisher::stats() {
  return driver_->with_outlet([this](core::Outlet& outlet) {
    ProducerStats stats;
    stats.ingested = driver_->taken();
    stats.outstanding = outlet.outstanding();
    if (stats.outstanding > 0) stats.oldest = ages_.age(outlet.outstanding_from(), stats.at);
    stats.drops = outlet.buffer().drops().counts();
    for (const auto& [what, count] : driver_->abandoned().counts()) stats.drops[what] += count;
    stats.dropped = outlet.buffer().drops().total() + driver_->abandoned().total();
    stats.refused = feed_counts_.refused;
    stats.malformed = outlet.malformed() + feed_counts_.malformed;
    stats.wrong_version = outlet.wrong_version();
    stats.buffered_bytes = outlet.buffer().charged();
    stats.subscribers = outlet.links();
    for (LinkInfo& link : stats.subscribers) addresses_.fill(link);
    return stats;
  });
}

}  // namespace galena::detail
