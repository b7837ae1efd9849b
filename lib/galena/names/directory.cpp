// SPDX-License-Identifier: Apache-2.0
#include "galena/names/directory.hpp"

#include "galena/base/error.hpp"
#include "galena/names/route.hpp"
#include "galena/names/service.hpp"
#include "galena/net/socket.hpp"

namespace galena::names {
namespace {

constexpr int frames_per_turn = 200;
constexpr Duration connect_timeout = std::chrono::seconds(1);

ClientCore::Options core_options(const DirectoryOptions& options) {
  ClientCore::Options core;
  core.node = Id::random();
  core.domain = options.domain;
  core.lease = options.lease;
  return core;
}

Route::Options route_options(const DirectoryOptions& options) {
  Route::Options route;
  route.local = local_endpoint(options.domain);
  route.services = options.services;
  route.host = options.host;
  return route;
}

}  // namespace

/// Does the input and output of a ClientCore over the connections that a Route asks for.
class Directory::Impl {
 public:
  Impl(net::Context& context, net::Reactor& reactor, DirectoryOptions options, const Logger& logger)
      : context_(context),
        reactor_(reactor),
        logger_(logger),
        options_(std::move(options)),
        core_(core_options(options_)),
        route_(route_options(options_)) {
    pump();
  }

  ~Impl() {
    reactor_.cancel(timer_);
    dealer_.reset();  // before the service that it may be connected to
  }

  /// After whatever happened: follows the route, sends what there is to send, and sets the timer. Calls nobody back.
  void pump() {
    const Time now = Clock::now();
    core_.handle_timeout(now);
    if (connect_deadline_ <= now || core_.failed()) {
      fail(now);
    } else if (const auto to = core_.poll_redirect()) {
      logger_.debug("name service redirects to " + (to->endpoints.empty() ? "nowhere" : to->endpoints.front()));
      disconnect();
      route_.handle_redirect(*to, now);
    } else if (core_.state() == ClientCore::State::welcomed && !welcomed_) {
      welcome(now);
    }
    follow_route(now);
    if (connected_) {
      while (const auto bytes = core_.poll_send()) dealer_->send(*bytes);
    }
    arm();
  }

  ClientCore& core() { return core_; }
  std::string service() const { return welcomed_ ? route_.target().endpoint : std::string(); }

 private:
  void handle_event() {
    pump();
    while (const auto call = core_.poll_call()) (*call)();
    pump();
  }

  void follow_route(Time now) {
    for (;;) {
      switch (route_.poll(now)) {
        case Route::Step::none:
          return;
        case Route::Step::connect:
          connect(now);
          break;
        case Route::Step::host:
          host();
          route_.handle_hosted();
          break;
      }
    }
  }

  void connect(Time now) {
    disconnect();
    connect_deadline_ = now + connect_timeout;
    net::Dealer::Options options;
    options.linger = std::chrono::milliseconds(100);
    options.max_message_bytes = 4 << 20;
    try {
      dealer_ = std::make_unique<net::Dealer>(context_, reactor_, route_.target().endpoint, options,
                                              net::Dealer::Callbacks{[this] { read(); }, [this] { handle_connected(); },
                                                                     [this] { handle_disconnected(); }});
    } catch (const Error& error) {
      logger_.warning(error.what());
      fail(now);
    }
  }

  void disconnect() {
    core_.handle_disconnected();
    dealer_.reset();
    connected_ = welcomed_ = false;
    connect_deadline_ = never;
  }

  void fail(Time now) {
    if (welcomed_) logger_.info("name service at " + route_.target().endpoint + " lost");
    disconnect();
    route_.handle_failed(now);
  }

  void welcome(Time now) {
    const Route::Target& target = route_.target();
    if (target.expected && target.expected != core_.service()) return fail(now);
    welcomed_ = true;
    logger_.debug("name service at " + target.endpoint);
    route_.handle_welcome(now);
  }

  void host() {
    if (hosted_) return;
    try {
      hosted_ = Service::try_host(context_, reactor_,
                                  {.domain = options_.domain,
                                   .interface = options_.interface,
                                   .beacon_port = options_.beacon_port,
                                   .dedicated = false},
                                  logger_);
    } catch (const Error& error) {
      logger_.warning(error.what());
    }
    if (hosted_) logger_.info("hosting this machine's name service at " + hosted_->endpoint());
  }

  void read() {
    const Time now = Clock::now();
    for (int budget = frames_per_turn; budget > 0; --budget) {
      const auto frame = dealer_->receive();
      if (!frame) break;
      core_.handle_message(frame->bytes(), now);
    }
    handle_event();
  }

  void handle_connected() {
    connected_ = true;
    connect_deadline_ = never;
    core_.handle_connected(Clock::now());
    handle_event();
  }

  void handle_disconnected() {
    fail(Clock::now());
    handle_event();
  }

  void arm() {
    const Time soon = core_.has_calls() ? Time::min() : never;
    const Time next = std::min({core_.poll_timeout(), route_.poll_timeout(), connect_deadline_, soon});
    if (next == armed_) return;
    reactor_.cancel(timer_);
    armed_ = next;
    timer_ = next == never ? 0 : reactor_.at(next, [this] {
      armed_ = never;
      timer_ = 0;
      handle_event();
    });
  }

  net::Context& context_;
  net::Reactor& reactor_;
  const Logger& logger_;
  DirectoryOptions options_;
  ClientCore core_;
  Route route_;
  std::unique_ptr<Service> hosted_;
  std::unique_ptr<net::Dealer> dealer_;
  bool connected_ = false;
  bool welcomed_ = false;
  Time connect_deadline_ = never;
  net::Reactor::TimerId timer_ = 0;
  Time armed_ = never;
};

Directory::Directory(net::Context& context, net::Reactor& reactor, DirectoryOptions options, const Logger& logger)
    : impl_(std::make_unique<Impl>(context, reactor, std::move(options), logger)) {}
Directory::~Directory() = default;

void Directory::enroll(Registration registration, Duration timeout, std::function<void(Registered)> done,
                       std::function<void(const Entry&)> lost) {
  impl_->core().enroll(std::move(registration), timeout, std::move(done), std::move(lost), Clock::now());
  impl_->pump();
}

void Directory::withdraw(const std::string& name, const Id& stage, Duration timeout, std::function<void()> done) {
  impl_->core().withdraw(name, stage, timeout, std::move(done), Clock::now());
  impl_->pump();
}

void Directory::set_subscribers(const std::string& name, const Id& stage, std::uint32_t subscribers) {
  impl_->core().set_subscribers(name, stage, subscribers);
}

Directory::WatchId Directory::watch(const std::string& name, std::function<void(std::optional<Entry>)> changed) {
  const WatchId id = impl_->core().watch(name, std::move(changed));
  impl_->pump();
  return id;
}

void Directory::unwatch(WatchId id) {
  impl_->core().unwatch(id);
  impl_->pump();
}

void Directory::list(Duration timeout, std::function<void(std::optional<std::vector<Entry>>)> done) {
  impl_->core().list(timeout, std::move(done), Clock::now());
  impl_->pump();
}

std::string Directory::service() const {
  return impl_->service();
}

}  // namespace galena::names
