// SPDX-License-Identifier: Apache-2.0
#include "galena/names/registrar.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "galena/base/assert.hpp"

namespace galena::names {
namespace {

/// Whether watchers need to be told: renewals and counts of subscribers are no change.
bool same_place(const Registration& a, const Registration& b) {
  return a.stage == b.stage && a.endpoints == b.endpoints && a.kind == b.kind && a.host_id == b.host_id;
}

}  // namespace

bool keeps(Duration age, const Id& stage, Duration other_age, const Id& other_stage) {
  const Duration difference = age > other_age ? age - other_age : other_age - age;
  return difference <= std::chrono::seconds(1) ? stage < other_stage : age > other_age;
}

Registrar::Registrar(Options options, const WatchTable& watches, Outbox& outbox)
    : options_(options),
      watches_(watches),
      outbox_(outbox),
      challenges_(options_.challenge, options_.limits.requests_per_name) {}

void Registrar::clear() {
  names_.clear();
  challenges_.clear();
}

void Registrar::handle_request(RegisterRequest request, Time now) {
  const Registration& wanted = request.entry.registration;
  const NameTable::Slot* slot = names_.find(wanted.name);
  if (slot == nullptr) {
    grant(request, now);
    return;
  }
  if (slot->registration.stage == wanted.stage) {
    if (!request.resumed()) {
      request.entry.token = slot->token;
      request.entry.age = std::max(slot->age(now), Duration::zero());
    }
    grant(request, now);
    // If the owner was challenged over another connection, this proves that it is alive.
    if (challenges_.contains(wanted.name)) conclude(wanted.name, true, now);
    return;
  }
  if (request.resumed() && keeps(request.entry.age, wanted.stage, slot->age(now), slot->registration.stage)) {
    // Two stages own the name rightfully, and this one has had it longer. That decides an open challenge, too: the new
    // owner is alive.
    const NameTable::Slot loser = *slot;
    if (!grant(request, now)) return;
    displace(loser, names_.find(wanted.name)->entry(now));
    if (challenges_.contains(wanted.name)) conclude(wanted.name, true, now);
    return;
  }
  challenge(*slot, request, now);
}

void Registrar::handle_count(const std::string& peer, const SubscriberCount& count) {
  if (owns(peer, count.name, count.stage)) names_.set_subscribers(count.name, count.count);
}

void Registrar::handle_answer(const std::string& peer, const Message& message, Time now) {
  if (!challenges_.awaits(message.name, message.challenge, peer)) return;
  conclude(message.name, message.verb == Verb::alive, now);
}

void Registrar::handle_unregister(const std::string& peer, const std::string& name, const Id& stage, Time now) {
  challenges_.erase_request(name, peer, stage);
  if (owns(peer, name, stage)) vacate(name, now);
}

void Registrar::handle_gone(const std::string& peer, Time now) {
  challenges_.erase_peer(peer);
  const std::set<std::string> names = names_.of(peer);
  for (const std::string& name : names) vacate(name, now);
}

void Registrar::handle_timeout(Time now) {
  while (const auto name = challenges_.poll_unanswered(now)) {
    const NameTable::Slot silent = *names_.find(*name);
    conclude(*name, false, now);
    // If the silent owner only slept, it learns of its successor when it wakes.
    if (const auto* owner = names_.find(*name)) displace(silent, owner->entry(now));
  }
}

bool Registrar::owns(const std::string& peer, const std::string& name, const Id& stage) const {
  const auto* slot = names_.find(name);
  return slot != nullptr && slot->peer == peer && slot->registration.stage == stage;
}

void Registrar::challenge(const NameTable::Slot& slot, const RegisterRequest& request, Time now) {
  const std::string& name = slot.registration.name;
  switch (challenges_.add(name, slot.peer, request, now)) {
    case Challenges::Added::joined:
      return;
    case Challenges::Added::full:
      return outbox_.refuse(request.peer, false, request.request, "too many want this name at once; try again later");
    case Challenges::Added::opened:
      break;
  }
  Message question;
  question.verb = Verb::challenge;
  question.challenge = challenges_.number(name);
  question.name = name;
  question.stage = slot.registration.stage;
  outbox_.send(slot.peer, question);
}

/// The owner of `name` has answered the challenge, or will not. Answers the requests that waited for this.
void Registrar::conclude(const std::string& name, bool alive, Time now) {
  const auto requests = challenges_.close(name);
  std::size_t next = 0;
  if (!alive) {
    bool granted = false;
    while (next < requests.size() && !granted) granted = grant(requests[next++], now);
    if (!granted) return free_name(name, now);
  }
  const NameTable::Slot* owner = names_.find(name);
  GALENA_ASSERT(owner != nullptr, name);
  for (; next < requests.size(); ++next) reject(requests[next], *owner, now);
}

void Registrar::reject(const RegisterRequest& request, const NameTable::Slot& owner, Time now) {
  Message message;
  message.verb = request.resumed() ? Verb::lost : Verb::taken;
  message.request = request.request;
  message.name = request.entry.registration.name;
  message.stage = request.entry.registration.stage;
  message.entry = owner.entry(now);
  outbox_.send(request.peer, message);
}

/// Tells the stage in `slot` that `owner` has its name now.
void Registrar::displace(const NameTable::Slot& slot, const Entry& owner) {
  Message message;
  message.verb = Verb::lost;
  message.name = slot.registration.name;
  message.stage = slot.registration.stage;
  message.entry = owner;
  outbox_.send(slot.peer, message);
}

/// False if a limit is met; the request has been refused then.
bool Registrar::grant(const RegisterRequest& request, Time now) {
  const Limits& limits = options_.limits;
  const Registration& wanted = request.entry.registration;
  const NameTable::Slot* before = names_.find(wanted.name);
  if (before == nullptr && names_.size() >= limits.entries) {
    outbox_.refuse(request.peer, false, request.request, "this service has no room for another name");
    return false;
  }
  if ((before == nullptr || before->peer != request.peer) &&
      names_.of(request.peer).size() >= limits.names_per_session) {
    outbox_.refuse(request.peer, false, request.request,
                   "a node has at most " + std::to_string(limits.names_per_session) + " names");
    return false;
  }
  const bool changed = before == nullptr || !same_place(before->registration, wanted) ||
                       (request.resumed() && before->token != request.entry.token);
  const Token token = request.resumed() ? request.entry.token : Token{term_, options_.service, ++sequence_};
  const Duration age = request.resumed() ? request.entry.age : Duration::zero();
  const auto& slot = names_.put({wanted, token, now - age, request.peer});
  Message message;
  message.verb = Verb::registered;
  message.request = request.request;
  message.entry = slot.entry(now);
  message.waiting = watches_.waiting(wanted.name);
  outbox_.send(request.peer, message);
  if (changed) tell_watchers(wanted.name, now);
  return true;
}

/// The owner of `name` gives it up: the first of those who asked for it gets it.
void Registrar::vacate(const std::string& name, Time now) {
  if (challenges_.contains(name)) return conclude(name, false, now);
  free_name(name, now);
}

void Registrar::free_name(const std::string& name, Time now) {
  GALENA_ASSERT(!challenges_.contains(name), name);
  names_.erase(name);
  tell_watchers(name, now);
}

void Registrar::tell_watchers(const std::string& name, Time now) {
  const auto& watchers = watches_.of_name(name);
  if (watchers.empty()) return;
  Message message;
  message.verb = Verb::changed;
  message.name = name;
  if (const auto* slot = names_.find(name)) message.entry = slot->entry(now);
  const std::string bytes = encode(message);
  for (const auto& [peer, count] : watchers) outbox_.send(peer, bytes);
}

}  // namespace galena::names
