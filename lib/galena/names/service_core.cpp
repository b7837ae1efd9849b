// SPDX-License-Identifier: Apache-2.0
#include "galena/names/service_core.hpp"

#include <algorithm>
#include <utility>

namespace galena::names {
namespace {

constexpr std::size_t announced_services = 64;

Message answer(Verb verb, const Message& to) {
  Message message;
  message.verb = verb;
  message.request = to.request;
  return message;
}

}  // namespace

ServiceCore::ServiceCore(Options options)
    : options_(std::move(options)),
      sessions_({.sessions = options_.limits.sessions, .sessions_per_address = options_.limits.sessions_per_address}),
      registrar_({options_.id, options_.limits, options_.challenge}, watches_, outbox_),
      migration_({.self = options_.id, .questions = options_.limits.deferred}) {}

void ServiceCore::lead(std::uint64_t term) {
  term_ = term;
  registrar_.set_term(term);
  leader_.reset();
}

void ServiceCore::follow(ServiceAddress leader) {
  leader_ = std::move(leader);
  Message message = redirect(0);
  for (const std::string& peer : sessions_.peers()) outbox_.send(peer, message);
  for (const Migration::Question& question : migration_.clear()) {
    if (!question.delimited) continue;  // a DEALER has a session, or asks again
    message.request = question.message.request;
    outbox_.send(question.peer, message, true);
  }
  registrar_.clear();
  watches_.clear();
  sessions_.clear();
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

void ServiceCore::handle_message(const std::string& peer, bool delimited, std::string_view bytes, Time now,
                                 Sender sender) {
  const auto versions = decode_versions(bytes);
  if (versions && !spoken_versions.common(*versions)) {
    ++counters_.wrong_version;
    return outbox_.refuse(peer, delimited, 0, spoken_versions.refuse(*versions));
  }
  const auto message = decode(bytes);
  if (!message) {
    ++counters_.malformed;
    return outbox_.refuse(peer, delimited, 0, "not a message of this protocol");
  }
  if (message->term < highest_credible_term) highest_term_ = std::max(highest_term_, message->term);
  sessions_.renew(peer, now);
  if (message->verb == Verb::announce) return announce(*message);
  if (leader_) {
    return outbox_.send(peer, redirect(message->request), delimited);
  }
  sender_ = sender;
  dispatch(peer, delimited, *message, now);
  sender_ = {};
}

void ServiceCore::dispatch(const std::string& peer, bool delimited, const Message& message, Time now) {
  if (message.name.size() > options_.limits.name_bytes || message.after.size() > options_.limits.name_bytes) {
    return outbox_.refuse(peer, delimited, message.request,
                          "a name has at most " + std::to_string(options_.limits.name_bytes) + " bytes");
  }
  if (message.verb == Verb::lookup) return lookup(peer, delimited, message, now);
  if (message.verb == Verb::list) return list(peer, delimited, message, now);
  if (delimited) {
    return outbox_.refuse(
        peer, delimited, message.request,
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
      return registrar_.handle_answer(peer, message, now);
    default:
      return outbox_.refuse(peer, delimited, message.request, "this service does not understand that");
  }
}

void ServiceCore::greet(const std::string& peer, const Message& hello, Time now) {
  const auto version = spoken_versions.common({hello.version, std::max(hello.version, hello.newest)});
  if (!version) return outbox_.refuse(peer, false, hello.request, "a hello says which version its node speaks");
  if (hello.domain != options_.domain) {
    return outbox_.refuse(peer, false, hello.request, "this service is of domain '" + options_.domain + "'");
  }
  if (!open_session(peer, hello.request, hello.lease, now)) return;
  migration_.handle_hello(peer, hello.service,
                          std::min<std::uint64_t>(hello.registered, options_.limits.names_per_session), now);
  Message welcome = answer(Verb::welcome, hello);
  welcome.version = *version;
  welcome.service = options_.id;
  welcome.term = term_;
  welcome.lease = sessions_.lease(peer);
  outbox_.send(peer, welcome);
}

bool ServiceCore::open_session(const std::string& peer, std::uint64_t request, Duration lease, Time now) {
  if (sessions_.open(peer, sender_.address, lease, now)) return true;
  outbox_.refuse(peer, false, request,
                 "this service has no room for another node: it takes " + std::to_string(options_.limits.sessions) +
                     ", and " + std::to_string(options_.limits.sessions_per_address) + " of one other host");
  return false;
}

void ServiceCore::renew(const std::string& peer, const Message& message, Time now) {
  for (const SubscriberCount& count : message.subscribers) registrar_.handle_count(peer, count);
  const bool less = !sessions_.contains(peer) || names().of(peer).size() < message.registered ||
                    watches_.count_of_peer(peer) < message.watching;
  if (less && !open_session(peer, message.request, {}, now)) return;
  Message renewed = answer(less ? Verb::again : Verb::renewed, message);
  renewed.service = options_.id;
  renewed.term = term_;
  outbox_.send(peer, renewed);
}

void ServiceCore::register_name(const std::string& peer, const Message& message, Time now) {
  if (!message.entry) return outbox_.refuse(peer, false, message.request, "a registration has an entry");
  const Registration& wanted = message.entry->registration;
  if (const std::string reason = options_.limits.problem(wanted); !reason.empty()) {
    return outbox_.refuse(peer, false, message.request, reason);
  }
  if (!open_session(peer, message.request, {}, now)) return;
  migration_.handle_register(peer);
  RegisterRequest request{peer, message.request, *message.entry};
  // The name may have an owner that has not yet arrived from another service.
  if (names().find(wanted.name) == nullptr && !request.resumed() && defer(peer, false, message, now)) return;
  registrar_.handle_request(std::move(request), now);
}

void ServiceCore::unregister(const std::string& peer, const Message& message, Time now) {
  migration_.erase_registration(peer, message.name, message.stage);
  registrar_.handle_unregister(peer, message.name, message.stage, now);
  outbox_.send(peer, answer(Verb::unregistered, message));
}

void ServiceCore::lookup(const std::string& peer, bool delimited, const Message& message, Time now) {
  const auto* slot = names().find(message.name);
  if (slot == nullptr && defer(peer, delimited, message, now)) return;
  Message found = answer(Verb::found, message);
  found.name = message.name;
  if (slot != nullptr) found.entry = slot->entry(now);
  outbox_.send(peer, found, delimited);
}

void ServiceCore::list(const std::string& peer, bool delimited, const Message& message, Time now) {
  if (sender_.unread_bytes > options_.limits.unread_bytes) {
    return outbox_.refuse(peer, delimited, message.request, "read the answers before this one first");
  }
  if (defer(peer, delimited, message, now)) return;
  Message listing = answer(Verb::listing, message);
  std::size_t bytes = 0;
  names().each_after(message.after, [&](const NameTable::Slot& slot) {
    listing.more = bytes >= options_.limits.page_bytes;
    if (listing.more) return false;
    bytes +=
        256 + slot.registration.name.size() + slot.registration.host_id.size() + slot.registration.host_name.size();
    for (const std::string& endpoint : slot.registration.endpoints) bytes += 5 + endpoint.size();
    listing.entries.push_back(slot.entry(now));
    return true;
  });
  outbox_.send(peer, listing, delimited);
}

void ServiceCore::watch(const std::string& peer, const Message& message, Time now) {
  if (message.name.empty()) return outbox_.refuse(peer, false, message.request, "a watch says a name");
  if (!open_session(peer, message.request, {}, now)) return;
  const bool known = watches_.of_name(message.name).contains(peer);
  if (!known && watches_.count_of_peer(peer) >= options_.limits.watches_per_session) {
    return outbox_.refuse(peer, false, message.request,
                          "a node watches at most " + std::to_string(options_.limits.watches_per_session) + " names");
  }
  const std::uint64_t watchers = std::clamp<std::uint64_t>(message.watchers, 1, options_.limits.watches_per_session);
  watches_.put(peer, message.name, static_cast<std::uint32_t>(watchers));
  const auto* slot = names().find(message.name);
  if (slot == nullptr && defer(peer, false, message, now)) return;
  Message changed = answer(Verb::changed, message);
  changed.name = message.name;
  if (slot != nullptr) changed.entry = slot->entry(now);
  outbox_.send(peer, changed);
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
  registrar_.handle_gone(peer, now);
}

void ServiceCore::handle_doubt(const std::string& peer) {
  if (!sessions_.contains(peer)) return;
  Message message;
  message.verb = Verb::renewed;
  message.service = options_.id;
  message.term = term_;
  outbox_.send(peer, message);
}

void ServiceCore::handle_timeout(Time now) {
  while (const auto question = migration_.poll_question(now)) {
    may_defer_ = false;
    dispatch(question->peer, question->delimited, question->message, now);
    may_defer_ = true;
  }
  registrar_.handle_timeout(now);
  const auto expired = sessions_.poll_expired(now);
  counters_.expired += expired.size();
  for (const std::string& peer : expired) handle_gone(peer, now);
}

Time ServiceCore::poll_timeout() const {
  return std::min({sessions_.poll_timeout(), registrar_.poll_timeout(), migration_.poll_timeout()});
}

std::optional<ServiceAddress> ServiceCore::poll_announced() {
  if (announced_.empty()) return std::nullopt;
  ServiceAddress address = std::move(announced_.front());
  announced_.pop_front();
  return address;
}

}  // namespace galena::names
