// SPDX-License-Identifier: Apache-2.0
#include "galena/names/service_core.hpp"

#include <algorithm>

#include "galena/base/assert.hpp"

namespace galena::names {
namespace {

constexpr std::size_t settled_services = 1024;
constexpr std::size_t announced_services = 64;

Message answer(Verb verb, const Message& to) {
  Message message;
  message.verb = verb;
  message.request = to.request;
  return message;
}

/// Whether watchers need to be told: renewals and counts of subscribers are no change.
bool same_place(const Registration& a, const Registration& b) {
  return a.stage == b.stage && a.endpoints == b.endpoints && a.kind == b.kind && a.host_id == b.host_id;
}

}  // namespace

bool keeps(Duration age, const Id& stage, Duration other_age, const Id& other_stage) {
  const Duration difference = age > other_age ? age - other_age : other_age - age;
  return difference <= std::chrono::seconds(1) ? stage < other_stage : age > other_age;
}

ServiceCore::ServiceCore(Options options) : options_(std::move(options)) {}

void ServiceCore::lead(std::uint64_t term) {
  term_ = term;
  leader_.reset();
}

void ServiceCore::follow(ServiceAddress leader) {
  leader_ = std::move(leader);
  Message message = redirect(0);
  for (const auto& [peer, session] : sessions_) send(peer, message);
  for (const Deferred& item : deferred_) {
    if (!item.delimited) continue;  // the others have a session, or will ask again
    message.request = item.message.request;
    send(item.peer, message, true);
  }
  table_.clear();
  watches_.clear();
  sessions_.clear();
  challenges_.clear();
  challenge_deadlines_.clear();
  deferred_.clear();
  settled_.clear();
  settle_until_ = owed_until_ = Time::min();
  owed_ = 0;
  next_expiry_ = never;
}

Message ServiceCore::redirect(std::uint64_t request) const {
  Message message;
  message.verb = Verb::redirect;
  message.request = request;
  message.service = leader_->service;
  message.term = leader_->term;
  message.dedicated = leader_->dedicated;
  message.endpoints = leader_->endpoints;
  return message;
}

void ServiceCore::handle_message(const std::string& peer, bool delimited, std::string_view bytes, Time now) {
  const auto message = decode(bytes);
  if (!message) {
    ++counters_.malformed;
    return refuse(peer, delimited, 0, "not a message of this protocol");
  }
  if (message->term < highest_credible_term) highest_term_ = std::max(highest_term_, message->term);
  if (const auto it = sessions_.find(peer); it != sessions_.end()) it->second.expires = now + it->second.lease;
  if (message->verb == Verb::announce) return announce(*message);
  if (leader_) {
    return send(peer, redirect(message->request), delimited);
  }
  dispatch(peer, delimited, *message, now);
}

void ServiceCore::dispatch(const std::string& peer, bool delimited, const Message& message, Time now) {
  if (message.name.size() > options_.limits.name_bytes || message.after.size() > options_.limits.name_bytes) {
    return refuse(peer, delimited, message.request,
                  "a name has at most " + std::to_string(options_.limits.name_bytes) + " bytes");
  }
  if (message.verb == Verb::lookup) return lookup(peer, delimited, message, now);
  if (message.verb == Verb::list) return list(peer, delimited, message, now);
  if (delimited) {
    return refuse(peer, delimited, message.request,
                  "a REQ socket can look up and list; use a DEALER for the rest, because the service must be able to "
                  "ask back");
  }
  switch (message.verb) {
    case Verb::hello:
      return greet(peer, message, now);
    case Verb::renew:
      return renew(peer, message, now);
    case Verb::enroll:
      return enroll(peer, message, now);
    case Verb::unregister:
      return unregister(peer, message, now);
    case Verb::watch:
      return watch(peer, message, now);
    case Verb::unwatch:
      return watches_.erase(peer, message.name);
    case Verb::alive:
    case Verb::released:
      // An answer to a challenge that has been decided since is none.
      if (const auto it = challenges_.find(message.name);
          it != challenges_.end() && it->second.number == message.challenge && it->second.peer == peer) {
        conclude(message.name, message.verb == Verb::alive, now);
      }
      return;
    default:
      return refuse(peer, delimited, message.request, "this service does not understand that");
  }
}

void ServiceCore::greet(const std::string& peer, const Message& hello, Time now) {
  if (hello.version != protocol_version) {
    return refuse(peer, false, hello.request,
                  "this service speaks version " + std::to_string(protocol_version) + " of the protocol");
  }
  if (hello.domain != options_.domain) {
    return refuse(peer, false, hello.request, "this service is of domain '" + options_.domain + "'");
  }
  if (session(peer, hello.lease, now) == nullptr) {
    return refuse(peer, false, hello.request, "this service has no room for another node");
  }
  const bool from_elsewhere = hello.service && hello.service != options_.id;
  if (from_elsewhere && settled_.size() < settled_services && settled_.insert(hello.service).second) {
    settle_until_ = now + options_.settle;
    owed_until_ = now + options_.longest_settle;
  }
  if (from_elsewhere && now < owed_until_) {
    owe(sessions_.at(peer), std::min<std::uint64_t>(hello.held, options_.limits.names_per_session));
  }
  Message welcome = answer(Verb::welcome, hello);
  welcome.version = protocol_version;
  welcome.service = options_.id;
  welcome.term = term_;
  welcome.lease = sessions_.at(peer).lease;
  send(peer, welcome);
}

bool ServiceCore::settling(Time now) const {
  return patient_ && (now < settle_until_ || (owed_ > 0 && now < owed_until_));
}

void ServiceCore::owe(Session& session, std::uint64_t names) {
  owed_ = owed_ - session.owed + names;
  session.owed = names;
}

/// The session of `peer`, made if need be; null if there is no room. A lease of zero leaves what was agreed before.
ServiceCore::Session* ServiceCore::session(const std::string& peer, Duration lease, Time now) {
  auto it = sessions_.find(peer);
  if (it == sessions_.end()) {
    if (sessions_.size() >= options_.limits.sessions) return nullptr;
    it = sessions_.emplace(peer, Session{options_.default_lease, now}).first;
  }
  if (lease > Duration::zero()) {
    it->second.lease = std::clamp(lease, options_.shortest_lease, options_.longest_lease);
  }
  it->second.expires = now + it->second.lease;
  next_expiry_ = std::min(next_expiry_, it->second.expires);
  return &it->second;
}

void ServiceCore::renew(const std::string& peer, const Message& message, Time now) {
  for (const SubscriberCount& item : message.subscribers) {
    const auto* slot = table_.find(item.name);
    if (slot != nullptr && slot->peer == peer && slot->holder.stage == item.stage) {
      table_.set_subscribers(item.name, item.count);
    }
  }
  const bool less = !sessions_.contains(peer) || table_.of(peer).size() < message.held ||
                    watches_.count_of_peer(peer) < message.watching;
  if (less && session(peer, {}, now) == nullptr) {
    return refuse(peer, false, message.request, "this service has no room for another node");
  }
  Message renewed = answer(less ? Verb::again : Verb::renewed, message);
  renewed.service = options_.id;
  renewed.term = term_;
  send(peer, renewed);
}

std::string ServiceCore::problem(const Registration& registration) const {
  const Limits& limits = options_.limits;
  if (registration.name.empty()) return "a name has at least one byte";
  if (registration.name.size() > limits.name_bytes) {
    return "a name has at most " + std::to_string(limits.name_bytes) + " bytes";
  }
  if (!registration.stage) return "a registration says its stage's id";
  if (registration.endpoints.size() > limits.endpoints) {
    return "a stage has at most " + std::to_string(limits.endpoints) + " endpoints";
  }
  const auto too_long = [&](const std::string& text) { return text.size() > limits.text_bytes; };
  if (too_long(registration.host_id) || too_long(registration.host_name) ||
      std::any_of(registration.endpoints.begin(), registration.endpoints.end(), too_long)) {
    return "an endpoint, a host's name and its id have at most " + std::to_string(limits.text_bytes) + " bytes each";
  }
  return {};
}

void ServiceCore::enroll(const std::string& peer, const Message& message, Time now) {
  if (!message.entry) return refuse(peer, false, message.request, "a registration has an entry");
  const Registration& holder = message.entry->holder;
  if (const std::string reason = problem(holder); !reason.empty()) return refuse(peer, false, message.request, reason);
  if (session(peer, {}, now) == nullptr) {
    return refuse(peer, false, message.request, "this service has no room for another node");
  }
  if (Session& from = sessions_.at(peer); from.owed > 0) owe(from, from.owed - 1);
  Claim claim{peer, message.request, *message.entry};
  const NameTable::Slot* slot = table_.find(holder.name);
  if (slot == nullptr) {
    // Who held the name when the last service went may be about to say so.
    if (!claim.resumed() && settling(now) && defer(peer, false, message, now)) return;
    grant(claim, now);
    return;
  }
  if (slot->holder.stage == holder.stage) {
    if (!claim.resumed()) {
      claim.entry.token = slot->token;
      claim.entry.age = std::max(slot->age(now), Duration::zero());
    }
    grant(claim, now);
    // It came over a new connection while it was being challenged over the old one: it lives.
    if (challenges_.contains(holder.name)) conclude(holder.name, true, now);
    return;
  }
  if (claim.resumed() && keeps(claim.entry.age, holder.stage, slot->age(now), slot->holder.stage)) {
    // The loser is told who it lost to; challenges to it are moot, because the winner has just shown up.
    const NameTable::Slot loser = *slot;
    if (!grant(claim, now)) return;
    displace(loser, table_.find(holder.name)->entry(now));
    if (challenges_.contains(holder.name)) conclude(holder.name, true, now);
    return;
  }
  challenge(*slot, std::move(claim), now);
}

void ServiceCore::challenge(const NameTable::Slot& slot, Claim claim, Time now) {
  const auto [it, added] = challenges_.try_emplace(slot.holder.name);
  Challenge& open = it->second;
  if (!added) {
    const auto same = std::find_if(open.claims.begin(), open.claims.end(), [&](const Claim& other) {
      return other.entry.holder.stage == claim.entry.holder.stage;
    });
    if (same != open.claims.end()) {
      *same = std::move(claim);  // it asks again, perhaps over a new connection
      return;
    }
    if (open.claims.size() >= options_.limits.claims_per_name) {
      return refuse(claim.peer, false, claim.request, "too many want this name at once; try again later");
    }
    open.claims.push_back(std::move(claim));
    return;
  }
  open.number = ++last_challenge_;
  open.peer = slot.peer;
  open.claims.push_back(std::move(claim));
  challenge_deadlines_.push_back({now + options_.challenge, open.number, slot.holder.name});
  Message question;
  question.verb = Verb::challenge;
  question.challenge = open.number;
  question.name = slot.holder.name;
  question.stage = slot.holder.stage;
  send(slot.peer, question);
}

/// Decides what was waiting for the answer of the holder of `name`.
void ServiceCore::conclude(const std::string& name, bool alive, Time now) {
  const auto it = challenges_.find(name);
  GALENA_ASSERT(it != challenges_.end() && !it->second.claims.empty(), name);
  const auto claims = std::move(it->second.claims);
  challenges_.erase(it);
  std::size_t next = 0;
  if (!alive) {
    bool granted = false;
    while (next < claims.size() && !granted) granted = grant(claims[next++], now);
    if (!granted) return release(name, now);
  }
  const NameTable::Slot* owner = table_.find(name);
  GALENA_ASSERT(owner != nullptr, name);
  for (; next < claims.size(); ++next) reject(claims[next], *owner, now);
}

void ServiceCore::reject(const Claim& claim, const NameTable::Slot& owner, Time now) {
  Message message;
  message.verb = claim.resumed() ? Verb::lost : Verb::taken;
  message.request = claim.request;
  message.name = claim.entry.holder.name;
  message.stage = claim.entry.holder.stage;
  message.entry = owner.entry(now);
  send(claim.peer, message);
}

void ServiceCore::displace(const NameTable::Slot& slot, const Entry& owner) {
  Message message;
  message.verb = Verb::lost;
  message.name = slot.holder.name;
  message.stage = slot.holder.stage;
  message.entry = owner;
  send(slot.peer, message);
}

bool ServiceCore::grant(const Claim& claim, Time now) {
  const Limits& limits = options_.limits;
  const Registration& holder = claim.entry.holder;
  const NameTable::Slot* before = table_.find(holder.name);
  if (before == nullptr && table_.size() >= limits.entries) {
    refuse(claim.peer, false, claim.request, "this service has no room for another name");
    return false;
  }
  if ((before == nullptr || before->peer != claim.peer) && table_.of(claim.peer).size() >= limits.names_per_session) {
    refuse(claim.peer, false, claim.request,
           "a node has at most " + std::to_string(limits.names_per_session) + " names");
    return false;
  }
  const bool changed = before == nullptr || !same_place(before->holder, holder) ||
                       (claim.resumed() && before->token != claim.entry.token);
  const Token token = claim.resumed() ? claim.entry.token : Token{term_, options_.id, ++sequence_};
  const Duration age = claim.resumed() ? claim.entry.age : Duration::zero();
  const auto& slot = table_.put({holder, token, now - age, claim.peer});
  Message message;
  message.verb = Verb::registered;
  message.request = claim.request;
  message.entry = slot.entry(now);
  message.waiting = watches_.waiting(holder.name);
  send(claim.peer, message);
  if (changed) tell_watchers(holder.name, now);
  return true;
}

void ServiceCore::release(const std::string& name, Time now) {
  GALENA_ASSERT(!challenges_.contains(name), name);
  table_.erase(name);
  tell_watchers(name, now);
}

void ServiceCore::unregister(const std::string& peer, const Message& message, Time now) {
  const auto mine = [&](const Claim& claim) { return claim.peer == peer && claim.entry.holder.stage == message.stage; };
  const auto open = challenges_.find(message.name);
  if (open != challenges_.end()) {
    std::erase_if(open->second.claims, mine);
    if (open->second.claims.empty()) challenges_.erase(open);
  }
  std::erase_if(deferred_, [&](const Deferred& item) {
    return item.peer == peer && item.message.verb == Verb::enroll && item.message.entry->holder.name == message.name &&
           item.message.entry->holder.stage == message.stage;
  });
  const auto* slot = table_.find(message.name);
  if (slot != nullptr && slot->peer == peer && slot->holder.stage == message.stage) {
    if (challenges_.contains(message.name)) {
      conclude(message.name, false, now);
    } else {
      release(message.name, now);
    }
  }
  send(peer, answer(Verb::unregistered, message));
}

void ServiceCore::lookup(const std::string& peer, bool delimited, const Message& message, Time now) {
  const auto* slot = table_.find(message.name);
  if (slot == nullptr && settling(now) && defer(peer, delimited, message, now)) return;
  Message found = answer(Verb::found, message);
  found.name = message.name;
  if (slot != nullptr) found.entry = slot->entry(now);
  send(peer, found, delimited);
}

void ServiceCore::list(const std::string& peer, bool delimited, const Message& message, Time now) {
  if (settling(now) && defer(peer, delimited, message, now)) return;
  Message listing = answer(Verb::listing, message);
  std::size_t bytes = 0;
  table_.each_after(message.after, [&](const NameTable::Slot& slot) {
    listing.more = bytes >= options_.limits.page_bytes;
    if (listing.more) return false;
    bytes += 256 + slot.holder.name.size() + slot.holder.host_id.size() + slot.holder.host_name.size();
    for (const std::string& endpoint : slot.holder.endpoints) bytes += 5 + endpoint.size();
    listing.entries.push_back(slot.entry(now));
    return true;
  });
  send(peer, listing, delimited);
}

void ServiceCore::watch(const std::string& peer, const Message& message, Time now) {
  if (message.name.empty()) return refuse(peer, false, message.request, "a watch says a name");
  if (session(peer, {}, now) == nullptr) {
    return refuse(peer, false, message.request, "this service has no room for another node");
  }
  const bool known = watches_.of_name(message.name).contains(peer);
  if (!known && watches_.count_of_peer(peer) >= options_.limits.watches_per_session) {
    return refuse(peer, false, message.request,
                  "a node watches at most " + std::to_string(options_.limits.watches_per_session) + " names");
  }
  const std::uint64_t watchers = std::clamp<std::uint64_t>(message.watchers, 1, options_.limits.watches_per_session);
  watches_.put(peer, message.name, static_cast<std::uint32_t>(watchers));
  const auto* slot = table_.find(message.name);
  if (slot == nullptr && settling(now) && defer(peer, false, message, now)) return;
  Message changed = answer(Verb::changed, message);
  changed.name = message.name;
  if (slot != nullptr) changed.entry = slot->entry(now);
  send(peer, changed);
}

void ServiceCore::tell_watchers(const std::string& name, Time now) {
  const auto& watchers = watches_.of_name(name);
  if (watchers.empty()) return;
  Message message;
  message.verb = Verb::changed;
  message.name = name;
  if (const auto* slot = table_.find(name)) message.entry = slot->entry(now);
  const std::string bytes = encode(message);
  for (const auto& [peer, count] : watchers) output_.push_back({peer, false, bytes});
}

void ServiceCore::announce(const Message& message) {
  if (!message.service || message.domain != options_.domain || message.endpoints.empty()) return;
  if (message.endpoints.size() > options_.limits.endpoints || announced_.size() >= announced_services) return;
  announced_.push_back({message.service, message.term, message.dedicated, message.endpoints});
}

bool ServiceCore::defer(const std::string& peer, bool delimited, const Message& message, Time now) {
  GALENA_ASSERT(settling(now), "nothing to wait for");
  if (deferred_.size() >= options_.limits.deferred) return false;
  deferred_.push_back({now, peer, delimited, message});
  return true;
}

void ServiceCore::handle_gone(const std::string& peer, Time now) {
  const auto session = sessions_.find(peer);
  if (session == sessions_.end()) return;
  owe(session->second, 0);
  sessions_.erase(session);
  watches_.erase_peer(peer);
  std::erase_if(deferred_, [&](const Deferred& item) { return item.peer == peer; });
  for (auto it = challenges_.begin(); it != challenges_.end();) {
    std::erase_if(it->second.claims, [&](const Claim& claim) { return claim.peer == peer; });
    it = it->second.claims.empty() ? challenges_.erase(it) : std::next(it);
  }
  const std::set<std::string> names = table_.of(peer);
  for (const std::string& name : names) {
    if (challenges_.contains(name)) {
      conclude(name, false, now);
    } else {
      release(name, now);
    }
  }
}

void ServiceCore::handle_doubt(const std::string& peer) {
  if (!sessions_.contains(peer)) return;
  Message message;
  message.verb = Verb::renewed;
  message.service = options_.id;
  message.term = term_;
  send(peer, message);
}

void ServiceCore::handle_timeout(Time now) {
  while (!deferred_.empty() && due(deferred_.front().asked) <= now) {
    const Deferred item = std::move(deferred_.front());
    deferred_.pop_front();
    patient_ = false;
    dispatch(item.peer, item.delimited, item.message, now);
    patient_ = true;
  }
  while (!challenge_deadlines_.empty() && challenge_deadlines_.front().at <= now) {
    const ChallengeDeadline late = std::move(challenge_deadlines_.front());
    challenge_deadlines_.pop_front();
    const auto it = challenges_.find(late.name);
    if (it == challenges_.end() || it->second.number != late.number) continue;
    const NameTable::Slot silent = *table_.find(late.name);
    conclude(late.name, false, now);
    // Should it only have slept, it learns of it as soon as it wakes.
    if (const auto* owner = table_.find(late.name)) displace(silent, owner->entry(now));
  }
  if (next_expiry_ > now) return;
  std::vector<std::string> expired;
  next_expiry_ = never;
  for (const auto& [peer, session] : sessions_) {
    if (session.expires <= now) {
      expired.push_back(peer);
    } else {
      next_expiry_ = std::min(next_expiry_, session.expires);
    }
  }
  counters_.expired += expired.size();
  for (const std::string& peer : expired) handle_gone(peer, now);
}

Time ServiceCore::poll_timeout() const {
  Time next = next_expiry_;
  if (!deferred_.empty()) next = std::min(next, due(deferred_.front().asked));
  if (!challenge_deadlines_.empty()) next = std::min(next, challenge_deadlines_.front().at);
  return next;
}

std::optional<ServiceCore::Out> ServiceCore::poll_output() {
  if (output_.empty()) return std::nullopt;
  Out out = std::move(output_.front());
  output_.pop_front();
  return out;
}

std::optional<ServiceAddress> ServiceCore::poll_announced() {
  if (announced_.empty()) return std::nullopt;
  ServiceAddress address = std::move(announced_.front());
  announced_.pop_front();
  return address;
}

void ServiceCore::send(const std::string& peer, const Message& message, bool delimited) {
  output_.push_back({peer, delimited, encode(message)});
}

void ServiceCore::refuse(const std::string& peer, bool delimited, std::uint64_t request, const std::string& reason) {
  ++counters_.refused;
  Message message;
  message.verb = Verb::refused;
  message.request = request;
  message.reason = reason;
  send(peer, message, delimited);
}

}  // namespace galena::names
