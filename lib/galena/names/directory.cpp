// SPDX-License-Identifier: Apache-2.0
#include "galena/names/directory.hpp"

#include <algorithm>

#include "galena/error.hpp"
#include "galena/names/beacon.hpp"
#include "galena/names/client_core.hpp"
#include "galena/names/probe.hpp"
#include "galena/names/route.hpp"
#include "galena/names/service.hpp"
#include "galena/names/session.hpp"
#include "galena/net/timer.hpp"

namespace galena::names {
namespace {

/// How often a node that may not host a service asks the network whether there is one.
constexpr Duration question_interval = std::chrono::milliseconds(500);
/// How often a node that is connected to a later service of a fixed list tries the earlier ones.
constexpr Duration probe_interval = std::chrono::seconds(2);

ClientCore::Options client_options(const DirectoryOptions& options) {
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
        core_(client_options(options_)),
        route_(route_options(options_)),
        timer_(reactor, [this] { handle_event(); }) {
    pump();
  }

  ~Impl() {
    probe_.reset();
    session_.reset();  // before the service that it may be connected to
  }

  /// To be called after anything has happened: follows the route, sends what is due, sets the timer. Runs no callbacks.
  void pump() {
    const Time now = Clock::now();
    if (session_) session_->handle_timeout(now);
    core_.handle_timeout(now);
    if (session_) handle_session(now);
    prefer_earlier(now);
    follow_route(now);
    ask_network(now);
    if (session_) session_->flush();
    set_timer();
  }

  ClientCore& core() { return core_; }
  std::string service() const { return welcomed_ ? session_->endpoint() : std::string(); }

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

  void handle_session(Time now) {
    switch (session_->state()) {
      case Session::State::connecting:
        return;
      case Session::State::failed:
        return fail(now);
      case Session::State::redirected: {
        const auto to = core_.poll_redirect();
        session_.reset();
        welcomed_ = false;
        return route_.handle_redirect(*to, now);
      }
      case Session::State::welcomed:
        if (welcomed_) return;
        const Id& expected = route_.target().expected;
        if (expected && expected != core_.service()) return fail(now);
        welcomed_ = true;
        beacon_.reset();
        logger_.debug("connected to the name service at " + session_->endpoint());
        return route_.handle_welcome(now);
    }
  }

  void fail(Time now) {
    if (welcomed_) {
      logger_.info("the connection to the name service at " + session_->endpoint() +
                   " has ended; looking for another one");
    } else if (core_.state() == ClientCore::State::greeting && core_.last_refusal() != told_refusal_) {
      told_refusal_ = core_.last_refusal();
      logger_.warning("the name service at " + session_->endpoint() + " refuses this node: " + told_refusal_);
    }
    session_.reset();
    welcomed_ = false;
    route_.handle_failed(now);
  }

  void connect(Time now) {
    session_.reset();
    welcomed_ = false;
    const auto& list = options_.services;
    const auto at = std::find(list.begin(), list.end(), route_.target().endpoint);
    if (at != list.end()) home_ = static_cast<std::size_t>(at - list.begin());
    try {
      session_ =
          std::make_unique<Session>(context_, reactor_, route_.target().endpoint, core_, [this] { handle_event(); });
    } catch (const Error& error) {
      logger_.warning(error.what());
      route_.handle_failed(now);
    }
  }

  /// All nodes with one list must end up at the same service. So a node that is at a later one goes back as soon as an
  /// earlier one answers, unless that redirects it to where it is already.
  void prefer_earlier(Time now) {
    if (!welcomed_ || home_ == 0) return probe_.reset();
    if (probe_) {
      probe_->handle_timeout(now);
      const Session::State state = probe_->state();
      if (state == Session::State::connecting) return;
      const auto elsewhere = probe_->poll_redirect();
      probe_.reset();
      if (state == Session::State::failed || (elsewhere && elsewhere->service == core_.service())) return;
      logger_.info("an earlier name service of the list answers again: going back to it");
      session_.reset();
      welcomed_ = false;
      route_.handle_failed(now);
    } else if (now >= next_probe_) {
      next_probe_ = now + probe_interval;
      try {
        probe_ = std::make_unique<Probe>(context_, reactor_, options_.services[probes_++ % home_],
                                         client_options(options_), [this] { handle_event(); });
      } catch (const Error& error) {
        logger_.debug(error.what());
      }
    }
  }

  /// A node that may not host a service asks by beacon until a service has welcomed it.
  void ask_network(Time now) {
    if (welcomed_ || options_.host || !options_.services.empty() || options_.beacon_port == 0) return;
    if (next_question_ > now) return;
    next_question_ = now + question_interval;
    try {
      if (!beacon_) {
        beacon_ = std::make_unique<Beacon>(
            reactor_, Beacon::Options{options_.domain, options_.interface, options_.beacon_port},
            [this](const Announcement& heard, std::uint32_t from) {
              if (heard.asks()) return;
              const auto endpoint = "tcp://" + net::dotted(from) + ":" + std::to_string(heard.port);
              route_.suggest({heard.service, heard.term, heard.dedicated, {endpoint}}, Clock::now());
              timer_.set({});  // not at once: a welcome destroys the beacon, which is calling us
            });
      }
      beacon_->send({options_.domain, {}, 0, false, 0});
    } catch (const Error& error) {
      logger_.debug(error.what());
    }
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

  void set_timer() {
    const Time soon = core_.has_calls() ? Time{} : never;
    const Time connecting = session_ ? session_->poll_timeout() : never;
    const Time question = beacon_ ? next_question_ : never;
    const Time probing = probe_ ? probe_->poll_timeout() : welcomed_ && home_ > 0 ? next_probe_ : never;
    timer_.set(std::min({core_.poll_timeout(), route_.poll_timeout(), connecting, question, probing, soon}));
  }

  net::Context& context_;
  net::Reactor& reactor_;
  const Logger& logger_;
  DirectoryOptions options_;
  ClientCore core_;
  Route route_;
  net::Timer timer_;
  std::unique_ptr<Service> hosted_;
  std::unique_ptr<Session> session_;
  std::unique_ptr<Beacon> beacon_;  // only while ask_network() asks
  bool welcomed_ = false;
  Time next_question_{};
  std::string told_refusal_;
  std::size_t home_ = 0;  // index in the fixed list of the service that was tried last
  std::unique_ptr<Probe> probe_;
  std::size_t probes_ = 0;
  Time next_probe_{};
};

Directory::Directory(net::Context& context, net::Reactor& reactor, DirectoryOptions options, const Logger& logger)
    : impl_(std::make_unique<Impl>(context, reactor, std::move(options), logger)) {}
Directory::~Directory() = default;

void Directory::register_name(Registration registration, Duration timeout, std::function<void(Registered)> done,
                              std::function<void(const Entry&)> lost) {
  impl_->core().register_name(std::move(registration), timeout, std::move(done), std::move(lost), Clock::now());
  impl_->pump();
}

void Directory::unregister(const std::string& name, const Id& stage, Duration timeout, std::function<void()> done) {
  impl_->core().unregister(name, stage, timeout, std::move(done), Clock::now());
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

std::string Directory::service() const { return impl_->service(); }

}  // namespace galena::names
