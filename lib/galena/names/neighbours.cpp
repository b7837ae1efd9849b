// SPDX-License-Identifier: Apache-2.0
#include "galena/names/neighbours.hpp"

#include <algorithm>

#include "galena/error.hpp"

namespace galena::names {
namespace {

/// Followers notice a leader that fell silent before most of its nodes do.
constexpr Duration follower_lease = std::chrono::milliseconds(1500);

ClientCore::Options follower_options(const Id& id, const std::string& domain) {
  ClientCore::Options options;
  options.node = id;
  options.domain = domain;
  options.lease = follower_lease;
  return options;
}

Election::Options election_options(const Id& id, bool dedicated) {
  Election::Options options;
  options.id = id;
  options.dedicated = dedicated;
  return options;
}

}  // namespace

Neighbours::Connection::Connection(Neighbours& owner, const Election::Trial& trial)
    : service(trial.service),
      core(follower_options(owner.options_.id, owner.options_.domain)),
      session(owner.context_, owner.reactor_, trial.endpoint, core, [&owner] { owner.update(); }) {}

Neighbours::Neighbours(net::Context& context, net::Reactor& reactor, Options options, const Logger& logger,
                       std::function<void()> changed)
    : context_(context),
      reactor_(reactor),
      options_(std::move(options)),
      logger_(logger),
      changed_(std::move(changed)),
      election_(election_options(options_.id, options_.dedicated), Clock::now()),
      timer_(reactor, [this] { update(); }) {
  if (options_.beacon_port != 0) {
    const auto heard = [this](const Announcement& heard, std::uint32_t from) {
      if (heard.asks()) {
        election_.handle_question(Clock::now());
        return update();
      }
      handle_announced({heard.service,
                        heard.term,
                        heard.dedicated,
                        {"tcp://" + net::dotted(from) + ":" + std::to_string(heard.port)}});
    };
    try {
      beacon_ = std::make_unique<Beacon>(
          reactor, Beacon::Options{options_.domain, options_.interface, options_.beacon_port}, heard);
    } catch (const Error& error) {
      logger_.warning(std::string(error.what()) + "; other hosts are not found");
    }
  }
  set_timer();
}

void Neighbours::handle_announced(const ServiceAddress& service) {
  election_.handle_announced(service, Clock::now());
  update();
}

void Neighbours::update() {
  const Time now = Clock::now();
  update_leader(now);
  update_trial(now);
  election_.handle_timeout(now);
  update_trial(now);
  if (election_.poll_announcement(now) && beacon_) {
    beacon_->send({options_.domain, options_.id, election_.term(), options_.dedicated, options_.port});
  }
  set_timer();
  changed_();
}

void Neighbours::update_leader(Time now) {
  if (!leader_) return;
  leader_->session.handle_timeout(now);
  leader_->core.handle_timeout(now);
  leader_->session.flush();
  const auto state = leader_->session.state();
  if (state == Session::State::welcomed) return;
  const auto successor = leader_->core.poll_redirect();
  leader_.reset();
  election_.handle_leader_lost(now);
  if (successor) election_.handle_announced(*successor, now);
}

void Neighbours::update_trial(Time now) {
  if (trial_) {
    trial_->session.handle_timeout(now);
    trial_->core.handle_timeout(now);
    trial_->session.flush();
    const auto wanted = election_.trial();
    if (!wanted || wanted->service != trial_->service || wanted->endpoint != trial_->session.endpoint()) {
      trial_.reset();
    } else if (trial_->session.state() == Session::State::welcomed && trial_->core.service() == trial_->service) {
      leader_ = std::move(trial_);
      election_.handle_answered(now);
    } else if (trial_->session.state() != Session::State::connecting) {
      const auto other = trial_->core.poll_redirect();
      logger_.debug("name service " + trial_->service.brief() + " at " + trial_->session.endpoint() +
                    " is announced but not in charge there");
      trial_.reset();
      election_.handle_unanswered(now);
      if (other) election_.handle_announced(*other, now);
    }
  }
  if (trial_ || !election_.trial()) return;
  try {
    trial_ = std::make_unique<Connection>(*this, *election_.trial());
  } catch (const Error& error) {
    logger_.debug(error.what());
    election_.handle_unanswered(now);
  }
}

void Neighbours::set_timer() {
  Time next = election_.poll_timeout();
  for (const auto& connection : {std::cref(leader_), std::cref(trial_)}) {
    if (!connection.get()) continue;
    next = std::min({next, connection.get()->core.poll_timeout(), connection.get()->session.poll_timeout()});
  }
  timer_.set(next);
}

}  // namespace galena::names
