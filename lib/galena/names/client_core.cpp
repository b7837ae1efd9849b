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

bool same_holder(const std::optional<Entry>& a, const std::optional<Entry>& b) {
  if (!a || !b) return a.has_value() == b.has_value();
  return a->token == b->token && a->holder.stage == b->holder.stage && a->holder.endpoints == b->holder.endpoints &&
         a->holder.kind == b->holder.kind && a->holder.host_id == b->holder.host_id;
}

}  // namespace

ClientCore::ClientCore(Options options) : options_(std::move(options)) {}

void ClientCore::enroll(Registration registration, Duration timeout, std::function<void(Registered)> done,
                        std::function<void(const Entry&)> lost, Time now) {
  Enrolment enrolment;
  enrolment.registration = std::move(registration);
  enrolment.deadline = detail::time_after(now, timeout);
  enrolment.done = std::move(done);
  enrolment.lost = std::move(lost);
  const Key key{enrolment.registration.name, enrolment.registration.stage};
  const auto [it, added] = enrolments_.emplace(key, std::move(enrolment));
  GALENA_ASSERT(added, "a stage enrolls the same name twice: " + key.first);
  if (state_ == State::welcomed) send_enrolment(it->second, now);
}

void ClientCore::withdraw(const std::string& name, const Id& stage, Duration timeout, Call done, Time now) {
  const bool known = enrolments_.erase({name, stage}) > 0;
  if (!known || state_ != State::welcomed) {
    calls_.push_back(std::move(done));  // no service in charge knows of it, and none will be told
    return;
  }
  Message message = question(Verb::unregister, ++last_request_);
  message.name = name;
  message.stage = stage;
  send(message);
  withdrawals_.emplace(message.request, Withdrawal{detail::time_after(now, timeout), std::move(done)});
}

void ClientCore::set_subscribers(const std::string& name, const Id& stage, std::uint32_t subscribers) {
  const auto it = enrolments_.find({name, stage});
  if (it == enrolments_.end() || it->second.registration.subscribers == subscribers) return;
  it->second.registration.subscribers = subscribers;
  it->second.counted = false;
}

ClientCore::WatchId ClientCore::watch(const std::string& name, std::function<void(std::optional<Entry>)> changed) {
  const WatchId id = ++last_watch_;
  Watched& watched = watched_[name];
  watched.callbacks.emplace(id, std::move(changed));
  watch_names_.emplace(id, name);
  if (watched.known) tell(id, name, watched.entry);
  if (state_ == State::welcomed) send_watch(name);
  return id;
}

void ClientCore::unwatch(WatchId id) {
  const auto it = watch_names_.find(id);
  if (it == watch_names_.end()) return;
  const std::string name = it->second;
  watch_names_.erase(it);
  const auto watched = watched_.find(name);
  watched->second.callbacks.erase(id);
  const bool last = watched->second.callbacks.empty();
  if (last) watched_.erase(watched);
  if (state_ != State::welcomed) return;
  if (!last) return send_watch(name);
  Message message = question(Verb::unwatch);
  message.name = name;
  send(message);
}

void ClientCore::list(Duration timeout, std::function<void(std::optional<std::vector<Entry>>)> done, Time now) {
  const std::uint64_t request = ++last_request_;
  listings_.emplace(request, Listing{detail::time_after(now, timeout), std::move(done), {}});
  if (state_ == State::welcomed) send_list(request, {});
}

void ClientCore::send(const Message& message) { output_.push_back(encode(message)); }

void ClientCore::expect_answer(Time now) { overdue_ = std::min(overdue_, now + options_.answer); }

void ClientCore::handle_connected(Time now) {
  GALENA_ASSERT(state_ == State::disconnected, "connected twice");
  state_ = State::greeting;
  failed_ = false;
  Message hello = question(Verb::hello, ++last_request_);
  hello.version = protocol_version;
  hello.domain = options_.domain;
  hello.node = options_.node;
  hello.lease = options_.lease;
  hello.service = service_;
  hello.term = term_;
  hello.held = static_cast<std::uint64_t>(
      std::count_if(enrolments_.begin(), enrolments_.end(), [](const auto& item) { return item.second.held(); }));
  send(hello);
  expect_answer(now);
}

void ClientCore::handle_disconnected() {
  state_ = State::disconnected;
  failed_ = false;
  overdue_ = next_renewal_ = never;
  output_.clear();
  redirect_.reset();
  for (auto& [request, withdrawal] : withdrawals_) calls_.push_back(std::move(withdrawal.done));
  withdrawals_.clear();
  for (auto& [request, listing] : listings_) listing.entries.clear();
}

void ClientCore::send_everything(Time now) {
  // Who has not been confirmed for longer than the lease may have had a rightful successor meanwhile.
  if (confirmed_ == Time::min() || now - confirmed_ > options_.lease) {
    for (auto& [key, enrolment] : enrolments_) enrolment.since = now;
  }
  for (auto& [key, enrolment] : enrolments_) send_enrolment(enrolment, now);
  for (const auto& [name, watched] : watched_) send_watch(name);
}

void ClientCore::send_enrolment(Enrolment& enrolment, Time now) {
  enrolment.request = ++last_request_;
  enrolment.counted = true;
  Message message = question(Verb::enroll, enrolment.request);
  message.entry = Entry{enrolment.registration, enrolment.token, {}};
  if (enrolment.held()) message.entry->age = now - enrolment.since;
  send(message);
}

void ClientCore::send_watch(const std::string& name) {
  Message message = question(Verb::watch);
  message.name = name;
  message.watchers = watched_.at(name).callbacks.size();
  send(message);
}

void ClientCore::send_list(std::uint64_t request, const std::string& after) {
  Message message = question(Verb::list, request);
  message.after = after;
  send(message);
}

void ClientCore::renew(Time now) {
  Message message = question(Verb::renew, ++last_request_);
  message.watching = watched_.size();
  for (auto& [key, enrolment] : enrolments_) {
    if (!enrolment.held()) continue;
    ++message.held;
    if (enrolment.counted || message.subscribers.size() >= counts_per_renewal) continue;
    message.subscribers.push_back({key.first, key.second, enrolment.registration.subscribers});
    enrolment.counted = true;
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
      state_ = State::welcomed;
      service_ = message->service;
      send_everything(now);
      for (auto& [request, listing] : listings_) send_list(request, {});
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
      if (const auto it = withdrawals_.find(message->request); it != withdrawals_.end()) {
        calls_.push_back(std::move(it->second.done));
        withdrawals_.erase(it);
      }
      return;
    case Verb::challenge:
      return handle_challenge(*message);
    case Verb::changed:
      return handle_changed(*message);
    case Verb::listing:
      return handle_listing(*message);
    default:
      return;  // of a later version
  }
}

void ClientCore::handle_registered(const Message& message, Time now) {
  if (!message.entry) return;
  const auto it = enrolments_.find({message.entry->holder.name, message.entry->holder.stage});
  if (it == enrolments_.end()) {
    // Given up meanwhile: nobody here has it.
    Message give_back = question(Verb::unregister, ++last_request_);
    give_back.name = message.entry->holder.name;
    give_back.stage = message.entry->holder.stage;
    return send(give_back);
  }
  confirmed_ = now;
  Enrolment& enrolment = it->second;
  const bool first = !enrolment.held();
  if (message.entry->token == Token{}) return;
  enrolment.token = message.entry->token;
  if (!first) return;
  enrolment.since = now;
  Registered result;
  result.entry = message.entry;
  result.waiting = static_cast<std::uint32_t>(std::min<std::uint64_t>(message.waiting, UINT32_MAX));
  calls_.push_back([done = std::move(enrolment.done), result = std::move(result)] { done(result); });
}

void ClientCore::finish(std::map<Key, Enrolment>::iterator it, Registered result) {
  GALENA_ASSERT(!it->second.held(), it->first.first);
  calls_.push_back([done = std::move(it->second.done), result = std::move(result)] { done(result); });
  enrolments_.erase(it);
}

/// Somebody else has the name: whether we wanted it or had it.
void ClientCore::handle_taken(const Message& message) {
  const auto it = enrolments_.find({message.name, message.stage});
  if (it == enrolments_.end() || !message.entry || message.entry->holder.stage == message.stage) return;
  if (!it->second.held()) return finish(it, {Outcome::taken, message.entry, 0, {}});
  calls_.push_back([lost = std::move(it->second.lost), owner = *message.entry] { lost(owner); });
  enrolments_.erase(it);
}

void ClientCore::handle_refused(const Message& message) {
  refusal_ = message.reason;
  if (state_ == State::greeting) {
    failed_ = true;
    return;
  }
  for (auto it = enrolments_.begin(); it != enrolments_.end(); ++it) {
    if (it->second.request != message.request) continue;
    // What we had already is said again with the next renewal, which finds that the service knows less than we do.
    if (!it->second.held()) finish(it, {Outcome::refused, std::nullopt, 0, message.reason});
    return;
  }
}

void ClientCore::handle_challenge(const Message& message) {
  const auto it = enrolments_.find({message.name, message.stage});
  Message answer = question(it != enrolments_.end() ? Verb::alive : Verb::released);
  answer.challenge = message.challenge;
  answer.name = message.name;
  answer.stage = message.stage;
  send(answer);
}

void ClientCore::handle_changed(const Message& message) {
  const auto it = watched_.find(message.name);
  if (it == watched_.end()) return;
  Watched& watched = it->second;
  const bool news = !watched.known || !same_holder(watched.entry, message.entry);
  watched.known = true;
  watched.entry = message.entry;
  if (!news) return;
  for (const auto& [id, callback] : watched.callbacks) tell(id, message.name, watched.entry);
}

void ClientCore::tell(WatchId id, const std::string& name, std::optional<Entry> entry) {
  calls_.push_back([this, id, name, entry = std::move(entry)] {
    const auto watched = watched_.find(name);
    if (watched == watched_.end()) return;
    const auto it = watched->second.callbacks.find(id);
    if (it == watched->second.callbacks.end()) return;  // unwatched since
    const auto callback = it->second;                   // it may unwatch itself
    callback(entry);
  });
}

void ClientCore::handle_listing(Message& message) {
  const auto it = listings_.find(message.request);
  if (it == listings_.end()) return;
  Listing& listing = it->second;
  // Pages go forward, or a service could make us collect for ever.
  const bool forward = !message.entries.empty() && (listing.entries.empty() || listing.entries.back().holder.name <
                                                                                   message.entries.back().holder.name);
  std::move(message.entries.begin(), message.entries.end(), std::back_inserter(listing.entries));
  if (message.more && forward) return send_list(it->first, listing.entries.back().holder.name);
  calls_.push_back([done = std::move(listing.done), entries = std::move(listing.entries)] { done(entries); });
  listings_.erase(it);
}

void ClientCore::handle_timeout(Time now) {
  if (overdue_ <= now) {
    overdue_ = never;
    failed_ = true;
  }
  if (next_renewal_ <= now && state_ == State::welcomed) renew(now);
  for (auto it = enrolments_.begin(); it != enrolments_.end();) {
    const auto at = it++;
    if (at->second.held() || at->second.deadline > now) continue;
    if (state_ == State::welcomed) {
      Message message = question(Verb::unregister, ++last_request_);
      message.name = at->first.first;
      message.stage = at->first.second;
      send(message);
    }
    finish(at, {Outcome::unreachable, std::nullopt, 0, refusal_});
  }
  for (auto it = withdrawals_.begin(); it != withdrawals_.end();) {
    const auto at = it++;
    if (at->second.deadline > now) continue;
    calls_.push_back(std::move(at->second.done));
    withdrawals_.erase(at);
  }
  for (auto it = listings_.begin(); it != listings_.end();) {
    const auto at = it++;
    if (at->second.deadline > now) continue;
    calls_.push_back([done = std::move(at->second.done)] { done(std::nullopt); });
    listings_.erase(at);
  }
}

Time ClientCore::poll_timeout() const {
  Time next = std::min(overdue_, next_renewal_);
  for (const auto& [key, enrolment] : enrolments_) {
    if (!enrolment.held()) next = std::min(next, enrolment.deadline);
  }
  for (const auto& [request, withdrawal] : withdrawals_) next = std::min(next, withdrawal.deadline);
  for (const auto& [request, listing] : listings_) next = std::min(next, listing.deadline);
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
