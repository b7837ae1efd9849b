// SPDX-License-Identifier: Apache-2.0
#include "galena/names/service.hpp"

#include "galena/names/service_core.hpp"
#include "galena/net/socket.hpp"

namespace galena::names {
namespace {

constexpr int messages_per_turn = 100;

ServiceCore::Options core_options(const ServiceOptions& options) {
  ServiceCore::Options core;
  core.id = Id::random();
  core.domain = options.domain;
  return core;
}

net::Router::Options router_options() {
  net::Router::Options options;
  options.max_message_bytes = static_cast<std::int64_t>(Limits{}.message_bytes);
  options.receive_queue = 10'000;
  options.send_queue = 100'000;  // who leaves more unread is as good as gone
  options.linger = std::chrono::milliseconds(100);
  return options;
}

}  // namespace

class Service::Impl {
 public:
  Impl(net::Context& context, net::Reactor& reactor, ServiceOptions options, const Logger& logger)
      : reactor_(reactor),
        logger_(logger),
        options_(std::move(options)),
        core_(core_options(options_)),
        router_(context, reactor, router_options(), [this] { read(); }) {
    core_.lead(1);
  }
  ~Impl() { reactor_.cancel(timer_); }

  bool take_host() { return router_.try_bind(local_endpoint(options_.domain)); }
  void start() { endpoint_ = router_.bind(options_.bind); }

  void read() {
    const Time now = Clock::now();
    for (int budget = messages_per_turn; budget > 0; --budget) {
      const auto message = router_.receive();
      if (!message) break;
      core_.handle_message(message->peer, message->delimited, message->body.bytes(), now);
      flush(now);
    }
    arm();
  }

  void flush(Time now) {
    while (const auto out = core_.poll_output()) {
      if (router_.send(out->peer, out->bytes, out->delimited) == net::Sent::gone) core_.handle_gone(out->peer, now);
    }
  }

  void arm() {
    const Time next = core_.poll_timeout();
    if (next == armed_) return;
    reactor_.cancel(timer_);
    armed_ = next;
    timer_ = next == never ? 0 : reactor_.at(next, [this] { handle_timeout(); });
  }

  void handle_timeout() {
    armed_ = never;
    timer_ = 0;
    const Time now = Clock::now();
    core_.handle_timeout(now);
    flush(now);
    arm();
  }

  net::Reactor& reactor_;
  const Logger& logger_;
  ServiceOptions options_;
  ServiceCore core_;
  net::Router router_;
  std::string endpoint_;
  net::Reactor::TimerId timer_ = 0;
  Time armed_ = never;
};

Service::Service(net::Context& context, net::Reactor& reactor, ServiceOptions options, const Logger& logger)
    : impl_(std::make_unique<Impl>(context, reactor, std::move(options), logger)) {
  impl_->start();
  impl_->take_host();
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

const std::string& Service::endpoint() const {
  return impl_->endpoint_;
}
bool Service::in_charge() const {
  return impl_->core_.leads();
}
std::string Service::leader() const {
  return {};
}
std::size_t Service::nodes() const {
  return impl_->core_.sessions();
}
std::size_t Service::entries() const {
  return impl_->core_.entries();
}

}  // namespace galena::names
