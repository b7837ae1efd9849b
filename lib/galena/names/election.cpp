// SPDX-License-Identifier: Apache-2.0
#include "galena/names/election.hpp"

#include <algorithm>

#include "galena/base/assert.hpp"
#include "galena/net/interface.hpp"

namespace galena::names {
namespace {

constexpr std::size_t most_candidates = 256;
constexpr std::size_t most_endpoints = 8;

/// Loopback last: nodes of other hosts are redirected to these endpoints, too.
void add_endpoints(std::vector<std::string>& to, const std::vector<std::string>& from) {
  for (const std::string& endpoint : from) {
    if (to.size() >= most_endpoints || !endpoint.starts_with("tcp://")) continue;
    if (std::find(to.begin(), to.end(), endpoint) != to.end()) continue;
    to.insert(net::is_loopback(endpoint) ? to.end() : std::find_if(to.begin(), to.end(), net::is_loopback), endpoint);
  }
}

}  // namespace

Election::Election(Options options, Time now) : options_(options) { reign(now); }

void Election::reign(Time now) {
  leader_.reset();
  term_ = 0;
  began_ = now;
  probation_ends_ = now + options_.probation;
  announce_soon(now);
}

/// Ends the probation and begins a term of its own, unless a service that goes before this one is announced: if it did
/// not answer once, that is no reason to overtake it, and the probation goes on.
void Election::end_probation(Time now) {
  const ServiceAddress self{options_.id, term_, options_.dedicated, {}};
  for (const auto& [id, candidate] : candidates_) {
    if (!goes_before(candidate.address, self)) continue;
    probation_ends_ = now + options_.probation;
    return;
  }
  term_ = heard_term_ + 1;
  announce_soon(now);
}

void Election::announce_soon(Time now) {
  const Time earliest = announced_ == Time::min() ? now : std::max(now, announced_ + options_.shortest_interval);
  next_announcement_ = std::min(next_announcement_, earliest);
}

void Election::handle_announced(const ServiceAddress& service, Time now) {
  if (service.service == options_.id || !service.service || service.term >= highest_credible_term) return;
  handle_term(service.term);
  if (!candidates_.contains(service.service) && candidates_.size() >= most_candidates) forget_oldest();
  Candidate& candidate = candidates_[service.service];
  candidate.heard = now;
  auto& address = candidate.address;
  address.service = service.service;
  address.term = service.term;
  address.dedicated = service.dedicated;
  add_endpoints(address.endpoints, service.endpoints);
  if (leader_ && leader_->service == service.service) leader_->term = service.term;
  // A service that is wrongly in charge must hear of this one at once.
  if (in_charge() && goes_before({options_.id, term_, options_.dedicated, {}}, address)) announce_soon(now);
  choose(now);
}

void Election::forget_oldest() {
  auto oldest = candidates_.end();
  for (auto it = candidates_.begin(); it != candidates_.end(); ++it) {
    if (trial_ && trial_->service == it->first) continue;
    if (oldest == candidates_.end() || it->second.heard < oldest->second.heard) oldest = it;
  }
  if (oldest != candidates_.end()) candidates_.erase(oldest);
}

void Election::handle_question(Time now) {
  if (in_charge()) announce_soon(now);
}

void Election::handle_term(std::uint64_t term) {
  if (term < highest_credible_term) heard_term_ = std::max(heard_term_, term);
}

/// Puts the best candidate on trial that goes before this service, or before the one that it follows.
void Election::choose(Time now) {
  const ServiceAddress present = leader_ ? *leader_ : ServiceAddress{options_.id, term_, options_.dedicated, {}};
  const Candidate* best = nullptr;
  for (const auto& [id, candidate] : candidates_) {
    if (candidate.not_before > now || candidate.address.endpoints.empty() || id == present.service) continue;
    if (!goes_before(candidate.address, best == nullptr ? present : best->address)) continue;
    best = &candidate;
  }
  if (best == nullptr) {
    trial_.reset();
  } else if (!trial_ || trial_->service != best->address.service) {
    const auto& endpoints = best->address.endpoints;
    trial_ = Trial{best->address.service, endpoints[best->next_endpoint % endpoints.size()]};
  }
}

void Election::handle_answered(Time now) {
  GALENA_ASSERT(trial_, "an answer, but no service is on trial");
  const auto it = candidates_.find(trial_->service);
  GALENA_ASSERT(it != candidates_.end(), "the service on trial is not a candidate");
  leader_ = it->second.address;
  auto& endpoints = leader_->endpoints;
  const auto proven = std::find(endpoints.begin(), endpoints.end(), trial_->endpoint);
  if (proven != endpoints.end()) std::rotate(endpoints.begin(), proven, proven + 1);
  trial_.reset();
  term_ = 0;
  next_announcement_ = never;
  choose(now);
}

void Election::handle_unanswered(Time now) {
  if (!trial_) return;
  if (const auto it = candidates_.find(trial_->service); it != candidates_.end()) {
    Candidate& candidate = it->second;
    // Its other addresses are tried at once, then there is a pause.
    if (++candidate.next_endpoint % candidate.address.endpoints.size() == 0) {
      candidate.not_before = now + options_.retry;
    }
  }
  trial_.reset();
  choose(now);
}

void Election::handle_leader_lost(Time now) {
  if (!leader_) return;
  candidates_.erase(leader_->service);  // until it announces itself again
  if (trial_ && trial_->service == leader_->service) trial_.reset();
  handle_term(leader_->term);
  reign(now);
  choose(now);
}

void Election::handle_timeout(Time now) {
  std::erase_if(candidates_, [&](const auto& item) {
    const bool needed = trial_ && trial_->service == item.first;
    return !needed && item.second.heard + options_.forget <= now;
  });
  for (auto& [id, candidate] : candidates_) {
    if (candidate.not_before <= now) candidate.not_before = Time::min();
  }
  if (in_charge() && term_ == 0 && now >= probation_ends_) end_probation(now);
  choose(now);
}

bool Election::poll_announcement(Time now) {
  if (!in_charge() || now < next_announcement_) return false;
  announced_ = now;
  next_announcement_ = now + (now - began_ < options_.quick_for ? options_.quick_interval : options_.slow_interval);
  return true;
}

Time Election::poll_timeout() const {
  Time next = in_charge() ? next_announcement_ : never;
  if (in_charge() && term_ == 0) next = std::min(next, probation_ends_);
  for (const auto& [id, candidate] : candidates_) {
    if (!trial_ || trial_->service != id) next = std::min(next, candidate.heard + options_.forget);
  }
  if (!trial_) {
    for (const auto& [id, candidate] : candidates_) {
      if (candidate.not_before != Time::min()) next = std::min(next, candidate.not_before);
    }
  }
  return next;
}

}  // namespace galena::names
