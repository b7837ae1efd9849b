// SPDX-License-Identifier: Apache-2.0
#include "galena/names/service_core.hpp"

#include <algorithm>

#include "galena/base/assert.hpp"

namespace galena::names {
namespace {

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

ServiceCore::ServiceCore(Options options)
    : options_(std::move(options)),
      sessions_({.sessions = options_.limits.sessions}),
      challenges_(options_.challenge, options_.limits.requests_per_name),
      migration_({.self = options_.id, .questions = options_.limits.deferred}) {}

void ServiceCore::lead(std::uint64_t term) {
  term_ = term;
  leader_.reset();
}

void ServiceCore::follow(ServiceAddress leader) {
  leader_ = std::move(leader);
  Message message = redirect(0);
  for (const std::string& peer : sessions_.peers()) send(peer, message);
  for (const Migration::Question& question : migration_.clear()) {
    if (!question.delimited) continue;  // a DEALER has a session, or asks again
    message.request = question.message.request;
    send(question.peer, message, true);
  }
  table_.clear();
  watches_.clear();
  sessions_.clear();
  challenges_.clear();
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
  const auto versions = decode_versions(bytes);
  if (versions && !spoken_versions.common(*versions)) {
    ++counters_.wrong_version;
    return refuse(peer, delimited, 0, spoken_versions.refuse(*versions));
  }
  const auto message = decode(bytes);
  if (!message) {
    ++counters_.malformed;
    return refuse(peer, delimited, 0, "not a message of this protocol");
  }
  if (message->term < highest_credible_term) highest_term_ = std::max(highest_term_, message->term);
  sessions_.renew(peer, now);
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
    case Verb::register_name:
      return register_name(peer, message, now);
    case Verb::unregister:
      return unregister(peer, message, now);
    case Verb::watch:
      return watch(peer, message, now);
    case Verb::unwatch:
      return watches_.erase(peer, message.name);
    case Verb::alive:
    case Verb::released:
      // An answer that comes too late, or from another peer, is ignored.
      if (challenges_.awaits(message.name, message.challenge, peer)) {
        conclude(message.name, message.verb == Verb::alive, now);
      }
      return;
    default:
      return refuse(peer, delimited, message.request, "this service does not understand that");
  }
}

void ServiceCore::greet(const std::string& peer, const Message& hello, Time now) {
  const auto version = spoken_versions.common({hello.version, std::max(hello.version, hello.newest)});
  if (!version) return refuse(peer, false, hello.request, "a hello says which version its node speaks");
  if (hello.domain != options_.domain) {
    return refuse(peer, false, hello.request, "this service is of domain '" + options_.domain + "'");
  }
  if (!open_session(peer, hello.request, hello.lease, now)) return;
  migration_.handle_hello(peer, hello.service,
                          std::min<std::uint64_t>(hello.registered, options_.limits.names_per_session), now);
  Message welcome = answer(Verb::welcome, hello);
  welcome.version = *version;
  welcome.service = options_.id;
  welcome.term = term_;
  welcome.lease = sessions_.lease(peer);
  send(peer, welcome);
}

bool ServiceCore::open_session(const std::string& peer, std::uint64_t request, Duration lease, Time now) {
  if (sessions_.open(peer, lease, now)) return true;
  refuse(peer, false, request, "this service has no room for another node");
  return false;
}

void ServiceCore::renew(const std::string& peer, const Message& message, Time now) {
  for (const SubscriberCount& item : message.subscribers) {
    const auto* slot = table_.find(item.name);
    if (slot != nullptr && slot->peer == peer && slot->registration.stage == item.stage) {
      table_.set_subscribers(item.name, item.count);
    }
  }
  const bool less = !sessions_.contains(peer) || table_.of(peer).size() < message.registered ||
                    watches_.count_of_peer(peer) < message.watching;
  if (less && !open_session(peer, message.request, {}, now)) return;
  Message renewed = answer(less ? Verb::again : Verb::renewed, message);
  renewed.service = options_.id;
  renewed.term = term_;
  send(peer, renewed);
}

void ServiceCore::register_name(const std::string& peer, const Message& message, Time now) {
  if (!message.entry) return refuse(peer, false, message.request, "a registration has an entry");
  const Registration& wanted = message.entry->registration;
  if (const std::string reason = options_.limits.problem(wanted); !reason.empty()) {
    return refuse(peer, false, message.request, reason);
  }
  if (!open_session(peer, message.request, {}, now)) return;
  migration_.handle_register(peer);
  RegisterRequest request{peer, message.request, *message.entry};
  const NameTable::Slot* slot = table_.find(wanted.name);
  if (slot == nullptr) {
    // The name may have an owner that has not yet arrived from another service.
    if (!request.resumed() && defer(peer, false, message, now)) return;
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
    displace(loser, table_.find(wanted.name)->entry(now));
    if (challenges_.contains(wanted.name)) conclude(wanted.name, true, now);
    return;
  }
  challenge(*slot, request, now);
}

void ServiceCore::challenge(const NameTable::Slot& slot, const RegisterRequest& request, Time now) {
  const std::string& name = slot.registration.name;
  switch (challenges_.add(name, slot.peer, request, now)) {
    case Challenges::Added::joined:
      return;
    case Challenges::Added::full:
      return refuse(request.peer, false, request.request, "too many want this name at once; try again later");
    case Challenges::Added::opened:
      break;
  }
  Message question;
  question.verb = Verb::challenge;
  question.challenge = challenges_.number(name);
  question.name = name;
  question.stage = slot.registration.stage;
  send(slot.peer, question);
}

/// The owner of `name` has answered the challenge, or will not. Answers the requests that waited for this.
void ServiceCore::conclude(const std::string& name, bool alive, Time now) {
  const auto requests = challenges_.close(name);
  std::size_t next = 0;
  if (!alive) {
    bool granted = false;
    while (next < requests.size() && !granted) granted = grant(requests[next++], now);
    if (!granted) return free_name(name, now);
  }
  const NameTable::Slot* owner = table_.find(name);
  GALENA_ASSERT(owner != nullptr, name);
  for (; next < requests.size(); ++next) reject(requests[next], *owner, now);
}

void ServiceCore::reject(const RegisterRequest& request, const NameTable::Slot& owner, Time now) {
  Message message;
  message.verb = request.resumed() ? Verb::lost : Verb::taken;
  message.request = request.request;
  message.name = request.entry.registration.name;
  message.stage = request.entry.registration.stage;
  message.entry = owner.entry(now);
  send(request.peer, message);
}

/// Tells the stage in `slot` that `owner` has its name now.
void ServiceCore::displace(const NameTable::Slot& slot, const Entry& owner) {
  Message message;
  message.verb = Verb::lost;
  message.name = slot.registration.name;
  message.stage = slot.registration.stage;
  message.entry = owner;
  send(slot.peer, message);
}

/// False if a limit is met; the request has been refused then.
bool ServiceCore::grant(const RegisterRequest& request, Time now) {
  const Limits& limits = options_.limits;
  const Registration& wanted = request.entry.registration;
  const NameTable::Slot* before = table_.find(wanted.name);
  if (before == nullptr && table_.size() >= limits.entries) {
    refuse(request.peer, false, request.request, "this service has no room for another name");
    return false;
  }
  if ((before == nullptr || before->peer != request.peer) &&
      table_.of(request.peer).size() >= limits.names_per_session) {
    refuse(request.peer, false, request.request,
           "a node has at most " + std::to_string(limits.names_per_session) + " names");
    return false;
  }
  const bool changed = before == nullptr || !same_place(before->registration, wanted) ||
                       (request.resumed() && before->token != request.entry.token);
  const Token token = request.resumed() ? request.entry.token : Token{term_, options_.id, ++sequence_};
  const Duration age = request.resumed() ? request.entry.age : Duration::zero();
  const auto& slot = table_.put({wanted, token, now - age, request.peer});
  Message message;
  message.verb = Verb::registered;
  message.request = request.request;
  message.entry = slot.entry(now);
  message.waiting = watches_.waiting(wanted.name);
  send(request.peer, message);
  if (changed) tell_watchers(wanted.name, now);
  return true;
}

/// The owner of `name` gives it up: the first of those who asked for it gets it.
void ServiceCore::vacate(const std::string& name, Time now) {
  if (challenges_.contains(name)) return conclude(name, false, now);
  free_name(name, now);
}

void ServiceCore::free_name(const std::string& name, Time now) {
  GALENA_ASSERT(!challenges_.contains(name), name);
  table_.erase(name);
  tell_watchers(name, now);
}

void ServiceCore::unregister(const std::string& peer, const Message& message, Time now) {
  challenges_.erase_request(message.name, peer, message.stage);
  migration_.erase_registration(peer, message.name, message.stage);
  const auto* slot = table_.find(message.name);
  if (slot != nullptr && slot->peer == peer && slot->registration.stage == message.stage) {
    vacate(message.name, now);
  }
  send(peer, answer(Verb::unregistered, message));
}

void ServiceCore::lookup(const std::string& peer, bool delimited, const Message& message, Time now) {
  const auto* slot = table_.find(message.name);
  if (slot == nullptr && defer(peer, delimited, message, now)) return;
  Message found = answer(Verb::found, message);
  found.name = message.name;
  if (slot != nullptr) found.entry = slot->entry(now);
  send(peer, found, delimited);
}

void ServiceCore::list(const std::string& peer, bool delimited, const Message& message, Time now) {
  if (defer(peer, delimited, message, now)) return;
  Message listing = answer(Verb::listing, message);
  std::size_t bytes = 0;
  table_.each_after(message.after, [&](const NameTable::Slot& slot) {
    listing.more = bytes >= options_.limits.page_bytes;
    if (listing.more) return false;
    bytes +=
        256 + slot.registration.name.size() + slot.registration.host_id.size() + slot.registration.host_name.size();
    for (const std::string& endpoint : slot.registration.endpoints) bytes += 5 + endpoint.size();
    listing.entries.push_back(slot.entry(now));
    return true;
  });
  send(peer, listing, delimited);
}

void ServiceCore::watch(const std::string& peer, const Message& message, Time now) {
  if (message.name.empty()) return refuse(peer, false, message.request, "a watch says a name");
  if (!open_session(peer, message.request, {}, now)) return;
  const bool known = watches_.of_name(message.name).contains(peer);
  if (!known && watches_.count_of_peer(peer) >= options_.limits.watches_per_session) {
    return refuse(peer, false, message.request,
                  "a node watches at most " + std::to_string(options_.limits.watches_per_session) + " names");
  }
  const std::uint64_t watchers = std::clamp<std::uint64_t>(message.watchers, 1, options_.limits.watches_per_session);
  watches_.put(peer, message.name, static_cast<std::uint32_t>(watchers));
  const auto* slot = table_.find(message.name);
  if (slot == nullptr && defer(peer, false, message, now)) return;
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

/// Whether the question is kept for later, because names may be missing here that nodes are about to register.
bool ServiceCore::defer(const std::string& peer, bool delimited, const Message& message, Time now) {
  return may_defer_ && migration_.is_under_way(now) && migration_.defer({now, peer, delimited, message});
}

void ServiceCore::handle_gone(const std::string& peer, Time now) {
  if (!sessions_.erase(peer)) return;
  watches_.erase_peer(peer);
  migration_.handle_gone(peer);
  challenges_.erase_peer(peer);
  const std::set<std::string> names = table_.of(peer);
  for (const std::string& name : names) vacate(name, now);
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
  while (const auto question = migration_.poll_question(now)) {
    may_defer_ = false;
    dispatch(question->peer, question->delimited, question->message, now);
    may_defer_ = true;
  }
  while (const auto name = challenges_.poll_unanswered(now)) {
    const NameTable::Slot silent = *table_.find(*name);
    conclude(*name, false, now);
    // If the silent owner only slept, it learns of its successor when it wakes.
    if (const auto* owner = table_.find(*name)) displace(silent, owner->entry(now));
  }
  const auto expired = sessions_.poll_expired(now);
  counters_.expired += expired.size();
  for (const std::string& peer : expired) handle_gone(peer, now);
}

Time ServiceCore::poll_timeout() const {
  return std::min({sessions_.poll_timeout(), challenges_.poll_timeout(), migration_.poll_timeout()});
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
