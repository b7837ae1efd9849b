// SPDX-License-Identifier: Apache-2.0
#include "galena/names/service.hpp"

#include <optional>
#include <utility>
#include <vector>

#include "galena/error.hpp"
#include "galena/names/neighbours.hpp"
#include "galena/names/service_core.hpp"
#include "galena/net/socket.hpp"
#include "galena/net/timer.hpp"

namespace galena::names {
namespace {

constexpr int messages_per_turn = 100;
constexpr Duration announce_interval = std::chrono::seconds(1);
/// A monitor hears of the end of a connection a little earlier than its socket.
constexpr Duration doubt_delay = std::chrono::milliseconds(10);
constexpr Duration host_retry = std::chrono::milliseconds(20);

ServiceCore::Options core_options(const ServiceOptions& options, const Id& id) {
  ServiceCore::Options core;
  core.id = id;
  core.domain = options.domain;
  return core;
}

/// "tcp://address:port" with "*" or up to 65535 as the port: libzmq takes larger ones, too, and cuts them to 16 bits.
bool is_tcp(const std::string& address) {
  if (!address.starts_with("tcp://")) return false;
  const std::string port = address.substr(address.rfind(':') + 1);
  if (port == "*") return true;
  const bool digits = !port.empty() && port.size() <= 5 && port.find_first_not_of("0123456789") == std::string::npos;
  return digits && std::stoul(port) <= 65535;
}

net::Router::Options router_options() {
  net::Router::Options options;
  options.max_message_bytes = static_cast<std::int64_t>(Limits{}.message_bytes);
  options.receive_queue = 10'000;
  options.send_queue = 100'000;  // a peer that leaves more unread counts as gone
  options.linger = std::chrono::milliseconds(100);
  return options;
}

}  // namespace

class Service::Impl {
 public:
  Impl(net::Context& context, net::Reactor& reactor, ServiceOptions options, const Logger& logger)
      : context_(context),
        reactor_(reactor),
        logger_(logger),
        options_(std::move(options)),
        id_(Id::random()),
        core_(core_options(options_, id_)),
        router_(
            context, reactor, router_options(), [this] { read(); }, [this](const std::string& peer) { doubt(peer); }),
        timer_(reactor, [this] { handle_timeout(); }) {}

  ~Impl() {
    reactor_.cancel(host_timer_);
    reactor_.cancel(doubt_timer_);
  }

  /// Tries to become this host's service.
  bool take_host() { return router_.try_bind(local_endpoint(options_.domain)); }

  void start() {
    const std::string address = bind_address();
    if (!is_tcp(address)) {
      throw Error(ErrorCode::invalid, "a name service is bound to tcp://address:port, not to '" + address + "'");
    }
    endpoint_ = router_.bind(address);
    const auto port = static_cast<std::uint16_t>(std::stoul(endpoint_.substr(endpoint_.rfind(':') + 1)));
    neighbours_.emplace(
        context_, reactor_,
        Neighbours::Options{id_, options_.domain, options_.interface, options_.dedicated, options_.beacon_port, port},
        logger_, [this] { apply_election(); });
  }

  /// Takes over this host's endpoint when it is free. Until then, tells its owner where this service is.
  void pursue_host() {
    herald_.reset();
    if (take_host()) {
      logger_.info("this name service now serves this host's nodes, too");
      return;
    }
    net::Dealer::Callbacks callbacks;
    callbacks.readable = [this] {
      while (herald_->receive()) {
      }
    };
    callbacks.connected = [this] { tell_host(); };
    callbacks.disconnected = [this] {
      reactor_.cancel(host_timer_);
      host_timer_ = reactor_.after(host_retry, [this] { pursue_host(); });
    };
    try {
      herald_ = std::make_unique<net::Dealer>(
          context_, reactor_, local_endpoint(options_.domain),
          net::Dealer::Options{.max_message_bytes = router_options().max_message_bytes}, std::move(callbacks));
    } catch (const Error& error) {
      logger_.warning(error.what());
      host_timer_ = reactor_.after(host_retry, [this] { pursue_host(); });
    }
  }

  std::string leader() const {
    const auto& leader = neighbours_->election().leader();
    return leader ? leader->endpoints.front() : std::string();
  }

  const std::string& endpoint() const { return endpoint_; }
  const ServiceCore& core() const { return core_; }

 private:
  std::string bind_address() const {
    if (options_.interface.empty() || options_.bind != ServiceOptions{}.bind) return options_.bind;
    const auto found = net::interfaces(options_.interface);
    if (found.empty()) {
      throw Error(ErrorCode::invalid,
                  "there is no interface '" + options_.interface + "' that is up and has an address");
    }
    return "tcp://" + net::dotted(found.front().address) + ":*";
  }

  void tell_host() {
    Message message;
    message.verb = Verb::announce;
    message.domain = options_.domain;
    message.service = id_;
    message.term = neighbours_->election().term();
    message.dedicated = options_.dedicated;
    const auto port = endpoint_.substr(endpoint_.rfind(':'));
    for (const net::Interface& interface : net::interfaces(options_.interface)) {
      message.endpoints.push_back("tcp://" + net::dotted(interface.address) + port);
      if (message.endpoints.size() == Limits{}.endpoints) break;
    }
    herald_->send(encode(message));
    host_timer_ = reactor_.after(announce_interval, [this] { tell_host(); });
  }

  void read() {
    const Time now = Clock::now();
    for (int budget = messages_per_turn; budget > 0; --budget) {
      const auto message = router_.receive();
      if (!message) break;
      core_.handle_message(message->peer, message->delimited, message->body.bytes(), now,
                           {message->body.peer_address(), message->body.unread_bytes()});
      flush(now);
    }
    neighbours_->handle_term(core_.highest_term());
    while (const auto other = core_.poll_announced()) neighbours_->handle_announced(*other);
    set_timer();
  }

  /// Takes charge or follows another service, as the election says.
  void apply_election() {
    const Election& election = neighbours_->election();
    if (election.in_charge()) {
      if (!core_.leads()) logger_.info("name service " + id_.brief() + " is in charge of '" + options_.domain + "'");
      core_.lead(election.term());
    } else if (core_.leads() || followed_ != election.leader()->service) {
      followed_ = election.leader()->service;
      logger_.info("name service " + id_.brief() + " leaves '" + options_.domain + "' to " + followed_.brief() +
                   " at " + leader());
      core_.follow(*election.leader());
    }
    flush(Clock::now());
    set_timer();
  }

  void doubt(const std::string& peer) {
    doubted_.push_back(peer);
    if (doubted_.size() > 1) return;
    doubt_timer_ = reactor_.after(doubt_delay, [this] {
      for (const std::string& peer : std::exchange(doubted_, {})) core_.handle_doubt(peer);
      flush(Clock::now());
      set_timer();
    });
  }

  void flush(Time now) {
    while (const auto out = core_.poll_output()) {
      if (router_.send(out->peer, out->bytes, out->delimited) == net::Sent::gone) core_.handle_gone(out->peer, now);
    }
  }

  void handle_timeout() {
    const Time now = Clock::now();
    core_.handle_timeout(now);
    flush(now);
    set_timer();
  }

  void set_timer() { timer_.set(core_.poll_timeout()); }

  net::Context& context_;
  net::Reactor& reactor_;
  const Logger& logger_;
  ServiceOptions options_;
  Id id_;
  ServiceCore core_;
  net::Router router_;
  std::string endpoint_;
  std::optional<Neighbours> neighbours_;
  Id followed_;
  std::unique_ptr<net::Dealer> herald_;
  net::Reactor::TimerId host_timer_ = 0;
  std::vector<std::string> doubted_;  // peers whose connections may have ended
  net::Reactor::TimerId doubt_timer_ = 0;
  net::Timer timer_;
};

Service::Service(net::Context& context, net::Reactor& reactor, ServiceOptions options, const Logger& logger)
    : impl_(std::make_unique<Impl>(context, reactor, std::move(options), logger)) {
  impl_->start();
  impl_->pursue_host();
}

Service::Service(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Service::~Service() = default;

std::unique_ptr<Service> Service::try_host(net::Context& context, net::Reactor& reactor, ServiceOptions options,
                                           const Logger& logger) {
  auto impl = std::make_unique<Impl>(context, reactor, std::move(options), logger);
  if (!impl->take_host()) return nullptr;
  impl->start();
  return std::unique_ptr<Service>(new Service(std::move(impl)));
}

const std::string& Service::endpoint() const { return impl_->endpoint(); }
bool Service::in_charge() const { return impl_->core().leads(); }
std::string Service::leader() const { return impl_->leader(); }
std::size_t Service::nodes() const { return impl_->core().sessions(); }
std::size_t Service::entries() const { return impl_->core().entries(); }

}  // namespace galena::names
