// SPDX-License-Identifier: Apache-2.0
#include "galena/core/outlet.hpp"

#include <algorithm>
#include <utility>

#include "galena/base/assert.hpp"
#include "galena/core/transmission.hpp"

namespace galena::core {

Outlet::Outlet(Options options) : options_(options), buffer_(options.buffer) {}
Outlet::~Outlet() = default;

void Outlet::handle(const std::string& peer, const Message& message, Time now) {
  if (const auto* wish = std::get_if<Subscribe>(&message)) {
    subscribe(peer, *wish, now);
    return;
  }
  const auto it = links_.find(peer);
  if (it == links_.end()) {
    if (!std::holds_alternative<Cancel>(message))
      cancel(peer, reason::unknown, "there is no subscription on this link");
    return;
  }
  Link& link = *it->second;
  link.heard = now;
  if (const auto* told = std::get_if<Grant>(&message)) {
    grant(link, *told);
  } else if (const auto* end = std::get_if<Cancel>(&message)) {
    drop(peer, end->reason == reason::cancelled ? reason::cancelled : reason::stopped);
  } else {
    handle_malformed(peer);
  }
}

void Outlet::handle_malformed(const std::string& peer) {
  ++malformed_;
  notes_.push_back("a message that is not of this protocol came and was refused");
  cancel(peer, reason::malformed, "that message is not of this protocol, or not expected here");
}

void Outlet::handle_gone(const std::string& peer, Time now) { lose(peer, reason::lost, now); }

void Outlet::subscribe(const std::string& peer, const Subscribe& wish, Time now) {
  if (wish.stage && wish.stage != options_.stage) {
    cancel(peer, reason::wrong_stage, "this is stage " + options_.stage.hex());
    return;
  }
  if (links_.contains(peer)) {
    cancel(peer, reason::malformed, "this link has a subscription already");
    return;
  }
  if (resume(peer, wish, now)) return;
  auto link = std::make_unique<Link>(peer, wish, options_.max_in_flight_bytes, now);
  const std::uint64_t from = buffer_.attach(link->cursor, wish.selection);
  by_cursor_.emplace(&link->cursor, link.get());
  control(peer, encode(Accept{options_.stage, options_.stream, from, options_.silence}));
  notes_.push_back("subscribed: " + describe(*link));
  links_.emplace(peer, std::move(link));
}

/// A consumer that comes back, perhaps before this side has noticed that its last connection broke. False if it has no
/// place here any more, or wants another one.
bool Outlet::resume(const std::string& peer, const Subscribe& wish, Time now) {
  if (!wish.subscription) return false;
  for (const auto& [other, link] : links_) {
    if (link->subscription != wish.subscription) continue;
    if (link->epoch > wish.epoch) return true;  // an older attempt that was under way for long
    lose(std::string(other), reason::lost, now);
    break;
  }
  const auto it = away_.find(wish.subscription);
  if (it == away_.end()) return false;
  Link& link = *it->second;
  const bool same_stream = wish.resume && wish.resume->stream == options_.stream;
  const bool nothing_handled = !wish.resume && link.acknowledged() == 0;  // it has not even heard that it was accepted
  if (!(same_stream || nothing_handled) || wish.selection != link.cursor.view->selection) {
    forget(link, reason::lost);
    away_.erase(it);
    return false;
  }
  buffer_.seal(*link.cursor.view);
  const Resume place = wish.resume.value_or(Resume{});
  const std::uint64_t from = std::min(place.from, buffer_.next());
  const std::uint64_t start = link.cursor.position();
  link.resume(peer, wish, link.cursor.go_on(from, place.events), now);
  by_cursor_.emplace(&link.cursor, &link);
  control(peer, encode(Accept{options_.stage, options_.stream, std::max(from, start), options_.silence}));
  notes_.push_back("resumed: " + describe(link));
  hold_place(link);
  links_.emplace(peer, std::move(it->second));
  away_.erase(it);
  return true;
}

/// What is done with need not be kept.
void Outlet::hold_place(Link& link) {
  Cursor& cursor = link.cursor;
  const std::uint64_t held = std::max(cursor.held, link.needed_from());
  if (held != cursor.held) {
    cursor.held = held;
    buffer_.release(*cursor.view);
  }
  buffer_.mark_dirty(*cursor.view);
}

void Outlet::grant(Link& link, const Grant& told) {
  if (!link.handle_grant(told)) {
    cancel(link.peer, reason::acknowledge, "more was acknowledged than was sent");
    return;
  }
  hold_place(link);
}

/// The link is over, and its place is not kept.
void Outlet::drop(const std::string& peer, std::string_view why) {
  const auto it = links_.find(peer);
  if (it == links_.end()) return;
  by_cursor_.erase(&it->second->cursor);
  forget(*it->second, why);
  links_.erase(it);
}

/// The subscription is over: what was held for it is free.
void Outlet::forget(Link& link, std::string_view why) {
  const std::uint64_t owed = link.owed();
  std::string note = "unsubscribed (" + std::string(why) + "): " + describe(link);
  if (owed > 0) note += ", " + std::to_string(owed) + " events not acknowledged";
  notes_.push_back(std::move(note));
  // Of what is in flight and not held any more, nothing is held that could be done with.
  const std::uint64_t done = link.needed_from() == link.cursor.held ? link.done_of_needed() : 0;
  buffer_.detach(link.cursor, done, owed, why == reason::cancelled ? std::string_view{} : why);
}

/// The connection broke: the subscription keeps its place for a while, if all that it may ask for again is still there.
void Outlet::lose(const std::string& peer, std::string_view why, Time now) {
  const auto it = links_.find(peer);
  if (it == links_.end()) return;
  Link& link = *it->second;
  const bool complete = link.needed_from() >= link.cursor.held;
  if (options_.hold == Duration::zero() || !link.subscription || !complete || away_.contains(link.subscription)) {
    drop(peer, why);
    return;
  }
  notes_.push_back("away (" + std::string(why) + "): " + describe(link));
  by_cursor_.erase(&link.cursor);
  link.break_off();
  link.away_since = now;
  const Id subscription = link.subscription;
  away_.emplace(subscription, std::move(it->second));
  links_.erase(it);
}

/// A place that is held makes nobody wait. False if there is none.
bool Outlet::give_up_oldest_place() {
  const auto oldest = std::min_element(away_.begin(), away_.end(), [](const auto& a, const auto& b) {
    return a.second->away_since < b.second->away_since;
  });
  if (oldest == away_.end()) return false;
  forget(*oldest->second, reason::lost);
  away_.erase(oldest);
  return true;
}

/// `peer` by value: it is often the name in the link that goes.
void Outlet::cancel(std::string peer, std::string_view why, const std::string& detail) {
  drop(peer, why);
  control(std::move(peer), encode(Cancel{std::string(why), detail}));
}

void Outlet::control(std::string peer, std::string bytes) {
  control_.push_back({.peer = std::move(peer), .bytes = std::move(bytes)});
}

void Outlet::handle_time(Time now) {
  std::vector<std::string> silent;
  for (const auto& [peer, link] : links_) {
    if (now - link->heard > link->silence) {
      silent.push_back(peer);
    } else if (now - link->told >= options_.silence / 4) {
      control(peer, encode(Mark{told_upto(link->cursor)}));
      link->told = now;
    }
  }
  for (const std::string& peer : silent) {
    lose(peer, reason::silent, now);
    control(peer, encode(Cancel{std::string(reason::silent), "nothing was heard for too long"}));
  }
  std::erase_if(away_, [&](auto& at) {
    if (now - *at.second->away_since < options_.hold) return false;
    forget(*at.second, reason::lost);
    return true;
  });
}

/// Nothing more will come from below this position.
std::uint64_t Outlet::told_upto(const Cursor& cursor) const {
  const Log& log = cursor.view->log;
  if (cursor.gap) return cursor.gap->from;
  if (cursor.at_end()) return buffer_.next();
  return cursor.item == log.end() ? log.covered() : log.at(cursor.item).from;
}

void Outlet::end() {
  while (give_up_oldest_place()) {
  }
  const std::string message = encode(End{buffer_.next()});
  while (!links_.empty()) {
    const std::string peer = links_.begin()->first;
    tell_unsent(*links_.begin()->second);
    drop(peer, links_.begin()->second->owed() > 0 ? reason::stopped : reason::cancelled);
    control(peer, message);
  }
}

/// The stream is about to end: what the link selected and was not sent will not come.
void Outlet::tell_unsent(const Link& link) {
  const std::optional<Gap>& known = link.cursor.gap;
  const std::uint64_t unsent = link.owed() - link.in_flight();
  if (unsent == 0 && !known) return;
  std::optional<std::uint64_t> count = known ? known->count : std::optional<std::uint64_t>(0);
  if (count) *count += unsent;
  const std::string_view why = unsent > 0 ? reason::stopped : std::string_view(known->reason);
  control(link.peer, encode(Gap{told_upto(link.cursor), buffer_.next(), count, std::string(why)}));
}

void Outlet::cancel_all(std::string_view why, std::string_view detail) {
  while (!links_.empty()) cancel(links_.begin()->first, why, std::string(detail));
}

bool Outlet::drained() const {
  if (buffer_.unclaimed() > 0 || owed_to_away() > 0) return false;
  for (const auto& [peer, link] : links_) {
    if (link->owed() > 0 || link->cursor.gap) return false;
  }
  return true;
}

std::uint64_t Outlet::owed_to_away() const {
  std::uint64_t events = 0;
  for (const auto& [subscription, link] : away_) events += link->owed();
  return events;
}

std::uint64_t Outlet::outstanding() const {
  std::uint64_t events = buffer_.unclaimed() + owed_to_away();
  for (const auto& [peer, link] : links_) events += link->owed();
  return events;
}

std::vector<LinkInfo> Outlet::links() const {
  std::vector<LinkInfo> infos;
  const auto add = [&](const Link& link) {
    const Cursor& cursor = link.cursor;
    infos.push_back({link.subscription, link.consumer, cursor.view->selection, cursor.selected(),
                     link.acknowledged() + link.in_flight(), link.acknowledged(), cursor.dropped,
                     link.away_since.has_value()});
  };
  for (const auto& [peer, link] : links_) add(*link);
  for (const auto& [subscription, link] : away_) add(*link);
  return infos;
}

std::string Outlet::describe(const Link& link) const {
  const auto& patterns = link.cursor.view->selection.patterns();
  std::string text = link.consumer.empty() ? "a consumer without a name" : "consumer " + link.consumer;
  text += patterns.empty() ? ", everything" : ", " + std::to_string(patterns.size()) + " topics";
  return text;
}

void Outlet::poll(std::vector<Parcel>& out, Time now) {
  for (Parcel& parcel : std::exchange(control_, {})) out.push_back(std::move(parcel));
  for (View* view : buffer_.take_dirty()) {
    view->wake_at = View::quiet;
    for (const Cursor* cursor : view->cursors) {
      const auto it = by_cursor_.find(cursor);
      if (it == by_cursor_.end()) continue;  // what nobody was offered yet
      transmit(*it->second, buffer_, out, now);
      view->wake_at = std::min(view->wake_at, wake_threshold(*it->second));
    }
  }
}

}  // namespace galena::core
