// SPDX-License-Identifier: Apache-2.0
#include "galena/names/client_core.hpp"

#include <algorithm>
#include <utility>

#include "galena/base/assert.hpp"

namespace galena::names {

ClientCore::ClientCore(Options options) : options_(std::move(options)) {}

void ClientCore::register_name(Registration registration, Duration timeout, Registrations::Done done,
                               Registrations::Lost lost, Time now) {
  registrations_.add(std::move(registration), detail::time_after(now, timeout), std::move(done), std::move(lost), now);
}

void ClientCore::unregister(const std::string& name, const Id& stage, Duration timeout, Call done, Time now) {
  registrations_.remove(name, stage, detail::time_after(now, timeout), std::move(done));
}

void ClientCore::set_subscribers(const std::string& name, const Id& stage, std::uint32_t subscribers) {
  registrations_.set_subscribers(name, stage, subscribers);
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
  Message question = questions_.make(Verb::list);
  listings_.add(question.request, detail::time_after(now, timeout), std::move(done));
  if (state_ == State::welcomed) questions_.send(question);
}

void ClientCore::expect_answer(Time now) { overdue_ = std::min(overdue_, now + options_.answer); }

void ClientCore::handle_connected(Time now) {
  GALENA_ASSERT(state_ == State::disconnected, "connected twice");
  state_ = State::greeting;
  failed_ = false;
  Message hello = questions_.make(Verb::hello);
  hello.version = spoken_versions.oldest;
  hello.newest = spoken_versions.newest;
  hello.domain = options_.domain;
  hello.node = options_.node;
  hello.lease = options_.lease;
  hello.service = service_;
  hello.term = term_;
  hello.registered = registrations_.size();
  questions_.send(hello);
  expect_answer(now);
}

void ClientCore::handle_disconnected() {
  state_ = State::disconnected;
  failed_ = false;
  overdue_ = next_renewal_ = never;
  questions_.clear();
  redirect_.reset();
  registrations_.handle_disconnected();
  listings_.handle_disconnected();
}

void ClientCore::send_everything(Time now) {
  registrations_.handle_welcome(now);
  for (const std::string& name : watches_.names()) send_watch(name);
}

/// Says how many watch the name now.
void ClientCore::send_watch(const std::string& name) {
  Message message;
  message.watchers = watches_.watchers(name);
  message.verb = message.watchers == 0 ? Verb::unwatch : Verb::watch;
  message.name = name;
  questions_.send(message);
}

void ClientCore::send_list(std::uint64_t request, const std::string& after) {
  Message message;
  message.verb = Verb::list;
  message.request = request;
  message.after = after;
  questions_.send(message);
}

void ClientCore::renew(Time now) {
  Message renewal = questions_.make(Verb::renew);
  renewal.watching = watches_.size();
  registrations_.complete(renewal);
  questions_.send(renewal);
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
      if (state_ == State::greeting) handle_welcome(*message, now);
      return;
    case Verb::redirect:
      redirect_ = ServiceAddress{message->service, message->term, message->dedicated, std::move(message->endpoints)};
      return;
    case Verb::renewed:
      return registrations_.handle_renewed(now);
    case Verb::again:
      if (state_ == State::welcomed) send_everything(now);
      return;
    case Verb::registered:
      return registrations_.handle_registered(*message, now);
    case Verb::taken:
    case Verb::lost:
      return registrations_.handle_taken(*message);
    case Verb::refused:
      refusal_ = message->reason;
      failed_ = failed_ || state_ == State::greeting;
      if (state_ != State::welcomed) return;
      registrations_.handle_refused(*message);
      return listings_.handle_refused(message->request, now);
    case Verb::unregistered:
      return registrations_.handle_unregistered(*message);
    case Verb::challenge:
      return registrations_.handle_challenge(*message);
    case Verb::changed:
      return watches_.handle_owner(message->name, message->entry);
    case Verb::listing:
      if (const auto after = listings_.handle_page(*message)) send_list(message->request, *after);
      return;
    default:
      return;  // of a later version
  }
}

void ClientCore::handle_welcome(const Message& message, Time now) {
  if (const Versions theirs{message.version, message.version}; !spoken_versions.common(theirs)) {
    refusal_ = spoken_versions.refuse(theirs);
    failed_ = true;
    return;
  }
  state_ = State::welcomed;
  service_ = message.service;
  send_everything(now);
  for (const std::uint64_t request : listings_.requests()) send_list(request, {});
  next_renewal_ = now + options_.lease / 3;
}

void ClientCore::handle_timeout(Time now) {
  if (overdue_ <= now) {
    overdue_ = never;
    failed_ = true;
  }
  if (next_renewal_ <= now && state_ == State::welcomed) renew(now);
  registrations_.handle_timeout(now, refusal_);
  listings_.handle_timeout(now);
  while (const auto again = listings_.poll_again(now)) send_list(again->request, again->after);
}

Time ClientCore::poll_timeout() const {
  return std::min({overdue_, next_renewal_, registrations_.poll_timeout(), listings_.poll_timeout()});
}

std::optional<ClientCore::Call> ClientCore::poll_call() {
  if (calls_.empty()) return std::nullopt;
  Call call = std::move(calls_.front());
  calls_.pop_front();
  return call;
}

std::optional<ServiceAddress> ClientCore::poll_redirect() { return std::exchange(redirect_, std::nullopt); }

}  // namespace galena::names
