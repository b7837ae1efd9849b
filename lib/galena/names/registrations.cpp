// SPDX-License-Identifier: Apache-2.0
#include "galena/names/registrations.hpp"

#include <algorithm>

#include "galena/base/assert.hpp"

namespace galena::names {
namespace {

constexpr std::size_t counts_per_renewal = 4096;

}  // namespace

void Registrations::add(Registration registration, Time deadline, Done done, Lost lost, Time now) {
  Wanted wanted;
  wanted.registration = std::move(registration);
  wanted.deadline = deadline;
  wanted.done = std::move(done);
  wanted.lost = std::move(lost);
  const Key key{wanted.registration.name, wanted.registration.stage};
  const auto [it, added] = wanted_.emplace(key, std::move(wanted));
  GALENA_ASSERT(added, "a stage registers the same name twice: " + key.first);
  if (welcome_) send(it->second, now);
}

void Registrations::remove(const std::string& name, const Id& stage, Time deadline, Call done) {
  const bool known = wanted_.erase({name, stage}) > 0;
  if (!known || !welcome_) {
    calls_.push_back(std::move(done));  // no service knows of the name, and none will be told
    return;
  }
  unregistering_.emplace(give_back(name, stage), Unregistering{deadline, std::move(done)});
}

void Registrations::set_subscribers(const std::string& name, const Id& stage, std::uint32_t subscribers) {
  const auto it = wanted_.find({name, stage});
  if (it == wanted_.end() || it->second.registration.subscribers == subscribers) return;
  it->second.registration.subscribers = subscribers;
  it->second.counted = false;
}

void Registrations::send(Wanted& wanted, Time now) {
  Message message = questions_.make(Verb::register_name);
  wanted.request = message.request;
  wanted.counted = true;
  message.entry = Entry{wanted.registration, wanted.token, {}};
  if (wanted.registered()) message.entry->age = now - wanted.since;
  questions_.send(message);
}

/// Returns the number of the question.
std::uint64_t Registrations::give_back(const std::string& name, const Id& stage) {
  Message message = questions_.make(Verb::unregister);
  message.name = name;
  message.stage = stage;
  questions_.send(message);
  return message.request;
}

void Registrations::finish(std::map<Key, Wanted>::iterator it, Registered result) {
  GALENA_ASSERT(!it->second.registered(), it->first.first);
  calls_.push_back([done = std::move(it->second.done), result = std::move(result)] { done(result); });
  wanted_.erase(it);
}

void Registrations::handle_welcome(Time now) {
  welcome_ = true;
  // If no service has confirmed the names for longer than the lease, other stages may rightfully have had them
  // meanwhile.
  if (confirmed_ == Time::min() || now - confirmed_ > lease_) {
    for (auto& [key, wanted] : wanted_) wanted.since = now;
  }
  for (auto& [key, wanted] : wanted_) send(wanted, now);
}

void Registrations::handle_disconnected() {
  welcome_ = false;
  for (auto& [request, unregistering] : unregistering_) calls_.push_back(std::move(unregistering.done));
  unregistering_.clear();
}

void Registrations::handle_registered(const Message& message, Time now) {
  if (!message.entry) return;
  const Registration& registration = message.entry->registration;
  const auto it = wanted_.find({registration.name, registration.stage});
  if (it == wanted_.end()) {  // the stage has given up waiting
    give_back(registration.name, registration.stage);
    return;
  }
  confirmed_ = now;
  Wanted& wanted = it->second;
  const bool first = !wanted.registered();
  if (message.entry->token == Token{}) return;
  wanted.token = message.entry->token;
  if (!first) return;
  wanted.since = now;
  Registered result;
  result.entry = message.entry;
  result.waiting = static_cast<std::uint32_t>(std::min<std::uint64_t>(message.waiting, UINT32_MAX));
  calls_.push_back([done = std::move(wanted.done), result = std::move(result)] { done(result); });
}

void Registrations::handle_taken(const Message& message) {
  const auto it = wanted_.find({message.name, message.stage});
  if (it == wanted_.end() || !message.entry || message.entry->registration.stage == message.stage) return;
  if (!it->second.registered()) return finish(it, {Outcome::taken, message.entry, 0, {}});
  calls_.push_back([lost = std::move(it->second.lost), owner = *message.entry] { lost(owner); });
  wanted_.erase(it);
}

void Registrations::handle_refused(const Message& message) {
  for (auto it = wanted_.begin(); it != wanted_.end(); ++it) {
    if (it->second.request != message.request) continue;
    // A name that was registered before is registered again after the next renewal: the service will answer `again`,
    // because it knows fewer names of this node than the renewal says.
    if (!it->second.registered()) finish(it, {Outcome::refused, std::nullopt, 0, message.reason});
    return;
  }
}

void Registrations::handle_unregistered(const Message& message) {
  const auto it = unregistering_.find(message.request);
  if (it == unregistering_.end()) return;
  calls_.push_back(std::move(it->second.done));
  unregistering_.erase(it);
}

void Registrations::handle_challenge(const Message& message) {
  const bool has_it = wanted_.contains({message.name, message.stage});
  Message answer;
  answer.verb = has_it ? Verb::alive : Verb::released;
  answer.challenge = message.challenge;
  answer.name = message.name;
  answer.stage = message.stage;
  questions_.send(answer);
}

void Registrations::handle_timeout(Time now, const std::string& refusal) {
  for (auto it = wanted_.begin(); it != wanted_.end();) {
    const auto at = it++;
    if (at->second.registered() || at->second.deadline > now) continue;
    if (welcome_) give_back(at->first.first, at->first.second);
    finish(at, {Outcome::unreachable, std::nullopt, 0, refusal});
  }
  for (auto it = unregistering_.begin(); it != unregistering_.end();) {
    const auto at = it++;
    if (at->second.deadline > now) continue;
    calls_.push_back(std::move(at->second.done));
    unregistering_.erase(at);
  }
}

Time Registrations::poll_timeout() const {
  Time next = never;
  for (const auto& [key, wanted] : wanted_) {
    if (!wanted.registered()) next = std::min(next, wanted.deadline);
  }
  for (const auto& [request, unregistering] : unregistering_) next = std::min(next, unregistering.deadline);
  return next;
}

std::uint64_t Registrations::size() const {
  return static_cast<std::uint64_t>(
      std::count_if(wanted_.begin(), wanted_.end(), [](const auto& item) { return item.second.registered(); }));
}

void Registrations::complete(Message& renewal) {
  renewal.registered = size();
  for (auto& [key, wanted] : wanted_) {
    if (!wanted.registered() || wanted.counted || renewal.subscribers.size() >= counts_per_renewal) continue;
    renewal.subscribers.push_back({key.first, key.second, wanted.registration.subscribers});
    wanted.counted = true;
  }
}

}  // namespace galena::names
