// SPDX-License-Identifier: Apache-2.0
#include "galena/names/client_core.hpp"

#include <algorithm>
#include <utility>

#include "galena/base/assert.hpp"

namespace galena::names {
namespace {

constexpr std::size_t counts_per_renewal = 4096;

Message question(Verb verb, std::uint64_t request = 0) {
  Message message;
  message.verb = verb;
  message.request = request;
  return message;
}

}  // namespace

ClientCore::ClientCore(Options options) : options_(std::move(options)) {}

void ClientCore::register_name(Registration registration, Duration timeout, std::function<void(Registered)> done,
                               std::function<void(const Entry&)> lost, Time now) {
  WantedName wanted;
  wanted.registration = std::move(registration);
  wanted.deadline = detail::time_after(now, timeout);
  wanted.done = std::move(done);
  wanted.lost = std::move(lost);
  const Key key{wanted.registration.name, wanted.registration.stage};
  const auto [it, added] = wanted_.emplace(key, std::move(wanted));
  GALENA_ASSERT(added, "a stage registers the same name twice: " + key.first);
  if (state_ == State::welcomed) send_registration(it->second, now);
}

void ClientCore::unregister(const std::string& name, const Id& stage, Duration timeout, Call done, Time now) {
  const bool known = wanted_.erase({name, stage}) > 0;
  if (!known || state_ != State::welcomed) {
    calls_.push_back(std::move(done));  // no service knows of the name, and none will be told
    return;
  }
  Message message = question(Verb::unregister, ++last_request_);
  message.name = name;
  message.stage = stage;
  send(message);
  unregistering_.emplace(message.request, Unregistering{detail::time_after(now, timeout), std::move(done)});
}

void ClientCore::set_subscribers(const std::string& name, const Id& stage, std::uint32_t subscribers) {
  const auto it = wanted_.find({name, stage});
  if (it == wanted_.end() || it->second.registration.subscribers == subscribers) return;
  it->second.registration.subscribers = subscribers;
  it->second.counted = false;
}

ClientCore::WatchId ClientCore::watch(const std::string& name, Watches::Changed changed) {
  const WatchId id = watches_.add(name, std::move(changed));
  if (state_ == State::welcomed) send_watch(name);
  return id;
}

void ClientCore::unwatch(WatchId id) {
  const auto name = watches_.remove(id);
  if (name && state_ == State::welcomed) send_watch(*name);
}

void ClientCore::list(Duration timeout, Listings::Done done, Time now) {
  const std::uint64_t request = ++last_request_;
  listings_.add(request, detail::time_after(now, timeout), std::move(done));
  if (state_ == State::welcomed) send_list(request, {});
}

void ClientCore::send(const Message& message) { output_.push_back(encode(message)); }

void ClientCore::expect_answer(Time now) { overdue_ = std::min(overdue_, now + options_.answer); }

void ClientCore::handle_connected(Time now) {
  GALENA_ASSERT(state_ == State::disconnected, "connected twice");
  state_ = State::greeting;
  failed_ = false;
  Message hello = question(Verb::hello, ++last_request_);
  hello.version = spoken_versions.oldest;
  hello.newest = spoken_versions.newest;
  hello.domain = options_.domain;
  hello.node = options_.node;
  hello.lease = options_.lease;
  hello.service = service_;
  hello.term = term_;
  hello.registered = static_cast<std::uint64_t>(
      std::count_if(wanted_.begin(), wanted_.end(), [](const auto& item) { return item.second.registered(); }));
  send(hello);
  expect_answer(now);
}

void ClientCore::handle_disconnected() {
  state_ = State::disconnected;
  failed_ = false;
  overdue_ = next_renewal_ = never;
  output_.clear();
  redirect_.reset();
  for (auto& [request, unregistering] : unregistering_) calls_.push_back(std::move(unregistering.done));
  unregistering_.clear();
  listings_.handle_disconnected();
}

void ClientCore::send_everything(Time now) {
  // If no service has confirmed the names for longer than the lease, other stages may rightfully have had them
  // meanwhile.
  if (confirmed_ == Time::min() || now - confirmed_ > options_.lease) {
    for (auto& [key, wanted] : wanted_) wanted.since = now;
  }
  for (auto& [key, wanted] : wanted_) send_registration(wanted, now);
  for (const std::string& name : watches_.names()) send_watch(name);
}

void ClientCore::send_registration(WantedName& wanted, Time now) {
  wanted.request = ++last_request_;
  wanted.counted = true;
  Message message = question(Verb::register_name, wanted.request);
  message.entry = Entry{wanted.registration, wanted.token, {}};
  if (wanted.registered()) message.entry->age = now - wanted.since;
  send(message);
}

/// Says how many watch the name now.
void ClientCore::send_watch(const std::string& name) {
  const std::size_t watchers = watches_.watchers(name);
  Message message = question(watchers == 0 ? Verb::unwatch : Verb::watch);
  message.name = name;
  message.watchers = watchers;
  send(message);
}

void ClientCore::send_list(std::uint64_t request, const std::string& after) {
  Message message = question(Verb::list, request);
  message.after = after;
  send(message);
}

void ClientCore::renew(Time now) {
  Message message = question(Verb::renew, ++last_request_);
  message.watching = watches_.size();
  for (auto& [key, wanted] : wanted_) {
    if (!wanted.registered()) continue;
    ++message.registered;
    if (wanted.counted || message.subscribers.size() >= counts_per_renewal) continue;
    message.subscribers.push_back({key.first, key.second, wanted.registration.subscribers});
    wanted.counted = true;
  }
  send(message);
  expect_answer(now);
  next_renewal_ = now + options_.lease / 3;
}

void ClientCore::handle_message(std::string_view bytes, Time now) {
  auto message = decode(bytes);
  if (!message || state_ == State::disconnected) return;
  overdue_ = never;
  if (message->term < highest_credible_term) term_ = std::max(term_, message->term);
  switch (message->verb) {
    case Verb::welcome:
      if (state_ == State::welcomed) return;
      if (const Versions theirs{message->version, message->version}; !spoken_versions.common(theirs)) {
        refusal_ = spoken_versions.refuse(theirs);
        failed_ = true;
        return;
      }
      state_ = State::welcomed;
      service_ = message->service;
      send_everything(now);
      for (const std::uint64_t request : listings_.requests()) send_list(request, {});
      next_renewal_ = now + options_.lease / 3;
      return;
    case Verb::redirect:
      redirect_ = ServiceAddress{message->service, message->term, message->dedicated, std::move(message->endpoints)};
      return;
    case Verb::renewed:
      confirmed_ = now;
      return;
    case Verb::again:
      return send_everything(now);
    case Verb::registered:
      return handle_registered(*message, now);
    case Verb::taken:
    case Verb::lost:
      return handle_taken(*message);
    case Verb::refused:
      return handle_refused(*message);
    case Verb::unregistered:
      if (const auto it = unregistering_.find(message->request); it != unregistering_.end()) {
        calls_.push_back(std::move(it->second.done));
        unregistering_.erase(it);
      }
      return;
    case Verb::challenge:
      return handle_challenge(*message);
    case Verb::changed:
      return watches_.handle_owner(message->name, message->entry);
    case Verb::listing:
      if (const auto after = listings_.handle_page(*message)) send_list(message->request, *after);
      return;
    default:
      return;  // of a later version
  }
}

void ClientCore::handle_registered(const Message& message, Time now) {
  if (!message.entry) return;
  const auto it = wanted_.find({message.entry->registration.name, message.entry->registration.stage});
  if (it == wanted_.end()) {
    // The stage has given up waiting: the name goes back.
    Message give_back = question(Verb::unregister, ++last_request_);
    give_back.name = message.entry->registration.name;
    give_back.stage = message.entry->registration.stage;
    return send(give_back);
  }
  confirmed_ = now;
  WantedName& wanted = it->second;
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

void ClientCore::finish(std::map<Key, WantedName>::iterator it, Registered result) {
  GALENA_ASSERT(!it->second.registered(), it->first.first);
  calls_.push_back([done = std::move(it->second.done), result = std::move(result)] { done(result); });
  wanted_.erase(it);
}

/// Another stage has the name that a stage of this node asked for, or had.
void ClientCore::handle_taken(const Message& message) {
  const auto it = wanted_.find({message.name, message.stage});
  if (it == wanted_.end() || !message.entry || message.entry->registration.stage == message.stage) return;
  if (!it->second.registered()) return finish(it, {Outcome::taken, message.entry, 0, {}});
  calls_.push_back([lost = std::move(it->second.lost), owner = *message.entry] { lost(owner); });
  wanted_.erase(it);
}

void ClientCore::handle_refused(const Message& message) {
  refusal_ = message.reason;
  if (state_ == State::greeting) {
    failed_ = true;
    return;
  }
  for (auto it = wanted_.begin(); it != wanted_.end(); ++it) {
    if (it->second.request != message.request) continue;
    // A name that was registered before is registered again after the next renewal: the service will answer `again`,
    // because it knows fewer names of this node than the renewal says.
    if (!it->second.registered()) finish(it, {Outcome::refused, std::nullopt, 0, message.reason});
    return;
  }
}

void ClientCore::handle_challenge(const Message& message) {
  const auto it = wanted_.find({message.name, message.stage});
  Message answer = question(it != wanted_.end() ? Verb::alive : Verb::released);
  answer.challenge = message.challenge;
  answer.name = message.name;
  answer.stage = message.stage;
  send(answer);
}

void ClientCore::handle_timeout(Time now) {
  if (overdue_ <= now) {
    overdue_ = never;
    failed_ = true;
  }
  if (next_renewal_ <= now && state_ == State::welcomed) renew(now);
  for (auto it = wanted_.begin(); it != wanted_.end();) {
    const auto at = it++;
    if (at->second.registered() || at->second.deadline > now) continue;
    if (state_ == State::welcomed) {
      Message message = question(Verb::unregister, ++last_request_);
      message.name = at->first.first;
      message.stage = at->first.second;
      send(message);
    }
    finish(at, {Outcome::unreachable, std::nullopt, 0, refusal_});
  }
  for (auto it = unregistering_.begin(); it != unregistering_.end();) {
    const auto at = it++;
    if (at->second.deadline > now) continue;
    calls_.push_back(std::move(at->second.done));
    unregistering_.erase(at);
  }
  listings_.handle_timeout(now);
}

Time ClientCore::poll_timeout() const {
  Time next = std::min({overdue_, next_renewal_, listings_.poll_timeout()});
  for (const auto& [key, wanted] : wanted_) {
    if (!wanted.registered()) next = std::min(next, wanted.deadline);
  }
  for (const auto& [request, unregistering] : unregistering_) next = std::min(next, unregistering.deadline);
  return next;
}

std::optional<std::string> ClientCore::poll_send() {
  if (output_.empty()) return std::nullopt;
  std::string bytes = std::move(output_.front());
  output_.pop_front();
  return bytes;
}

std::optional<ClientCore::Call> ClientCore::poll_call() {
  if (calls_.empty()) return std::nullopt;
  Call call = std::move(calls_.front());
  calls_.pop_front();
  return call;
}

std::optional<ServiceAddress> ClientCore::poll_redirect() { return std::exchange(redirect_, std::nullopt); }

}  // namespace galena::names
