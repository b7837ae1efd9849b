// SPDX-License-Identifier: Apache-2.0
#include "galena/core/outlet.hpp"

#include <algorithm>
#include <utility>

#include "galena/base/assert.hpp"
#include "galena/core/transmission.hpp"

namespace galena::core {

namespace {

/// Whose place it is.
std::string key_of(const std::string& identity, const Id& subscription) {
  return identity.empty() ? "#" + subscription.hex() : "@" + identity;
}

}  // namespace

Outlet::Outlet(Options options, Time now) : options_(std::move(options)), buffer_(options_.buffer) {
  for (const std::string& identity : options_.expect) {
    auto& expected = expected_[identity];
    if (expected) continue;
    expected = std::make_unique<Expected>(Expected{{}, now});
    buffer_.expect(expected->place);
  }
}

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
    if (end->reason == reason::away) {
      lose(peer, reason::away, now);
    } else {
      drop(peer, end->reason == reason::cancelled ? reason::cancelled : reason::stopped);
    }
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
  if (!give_way(peer, wish, now) || resume(peer, wish, now)) return;
  begin(peer, wish, now);
}

/// The subscription may have a link, perhaps before this side has noticed that it broke: the later one has it. False if
/// that is not this one.
bool Outlet::give_way(const std::string& peer, const Subscribe& wish, Time now) {
  if (!wish.subscription && wish.identity.empty()) return true;
  const std::string key = key_of(wish.identity, wish.subscription);
  const auto is_same = [&](const auto& at) { return key_of(at.second->identity, at.second->subscription) == key; };
  const auto live = std::find_if(links_.begin(), links_.end(), is_same);
  const auto away = away_.find(key);
  const Link* const before = live != links_.end()  ? live->second.get()
                             : away != away_.end() ? away->second.get()
                                                   : nullptr;
  if (before == nullptr) return true;
  const bool same_holder = before->subscription == wish.subscription;
  if (before->epoch > wish.epoch) {  // of the same holder: an attempt that was under way for long
    if (!same_holder) cancel(peer, reason::superseded, "a later consumer has the identity '" + wish.identity + "'");
    return false;
  }
  if (live != links_.end()) {
    const std::string old_peer = live->first;
    lose(old_peer, same_holder ? reason::lost : reason::superseded, now);
    if (!same_holder) {
      control(old_peer, encode(Cancel{std::string(reason::superseded),
                                      "another consumer has taken up the identity '" + wish.identity + "'"}));
    }
  }
  return true;
}

/// Takes up a place that is held. False if there is none, or it is of no use.
bool Outlet::resume(const std::string& peer, const Subscribe& wish, Time now) {
  const auto it = away_.find(key_of(wish.identity, wish.subscription));
  if (it == away_.end()) return false;
  Link& link = *it->second;
  const bool same_holder = link.subscription == wish.subscription;
  // A place in the stream of whoever had this name before says nothing of this one.
  const bool has_place = wish.resume && wish.resume->stream == options_.stream;
  // Who has acknowledged something and does not know where it stands is not who it says it is.
  const bool knows = has_place || !link.holder_acknowledged() || !same_holder;
  const bool same_selection = wish.selection == link.cursor.view->selection;
  if (!knows || !same_selection) {
    forget(link, same_selection ? reason::lost : reason::cancelled);
    away_.erase(it);
    return false;
  }
  buffer_.seal(*link.cursor.view);
  link.cursor.view->log.close_gap();  // it may go on behind it
  const Point stands = link.place();
  Point at = stands;
  std::uint64_t passed = 0;
  std::optional<Mark> nothing_upto;
  if (has_place) {
    const Point wished{std::min(wish.resume->from, buffer_.next()), wish.resume->events};
    const std::uint64_t view_begins = link.scan ? link.scan->upto() : link.cursor.position();
    // Who acknowledged something knows of it: then nothing that was selected lies between where it stands here and
    // there.
    const bool agrees = same_holder || (wished.events == 0 && wished.from >= link.scan_acknowledged_upto());
    if (wished < stands && stands.events > 0) link.go_back_within(wished.from == stands.from ? wished.events : 0);
    at = wished;
    if (wished.from < stands.from && stands.events == 0 && agrees) {
      nothing_upto = Mark{stands.from};
    } else if (wished.from < view_begins) {
      const bool held = link.scan && link.scan->holds();
      auto scan = buffer_.scan(link.cursor, wished.from, wished.events);
      if (held) buffer_.hold(*scan);
      link.scan = std::move(scan);
    } else {
      link.scan.reset();
      passed = link.cursor.go_on(wished.from, wished.events);
    }
    buffer_.release_base();
  }
  link.resume(peer, wish, passed, now);
  by_cursor_.emplace(&link.cursor, &link);
  accept(link, at, link.sent_before);
  if (link.unconfirmed_gap()) control(peer, encode(*link.unconfirmed_gap()));
  if (nothing_upto) control(peer, encode(*nothing_upto));
  notes_.push_back("resumed: " + describe(link));
  hold_place(link);
  links_.emplace(peer, std::move(it->second));
  away_.erase(it);
  return true;
}

/// A subscription that has no place here. What it has not seen and is still there comes first.
void Outlet::begin(const std::string& peer, const Subscribe& wish, Time now) {
  auto link = std::make_unique<Link>(peer, wish, options_.max_in_flight_bytes, now);
  Point at{buffer_.attach(link->cursor, wish.selection), 0};
  Point repeated;
  std::optional<Gap> missed;  // what was held for it made room
  const std::uint64_t view_begins = link->cursor.position();
  if (const auto expected = expected_.find(wish.identity); expected != expected_.end()) {
    const Cursor& place = expected->second->place;
    if (place.position() < view_begins) {
      at = {place.position(), 0};
      missed = place.gap;
      if (missed && !wish.selection.everything()) missed->count.reset();  // nobody knows what of it was selected
      const std::uint64_t held_from = Buffer::begin_of(place);
      if (held_from < view_begins) {
        link->scan = buffer_.scan(link->cursor, held_from, 0);
        buffer_.hold(*link->scan);
      }
    }
    buffer_.forget(expected->second->place);
    expected_.erase(expected);
  } else if (wish.resume && wish.resume->stream == options_.stream) {
    if (wish.resume->from < view_begins) {
      at = {wish.resume->from, wish.resume->events};
      link->scan = buffer_.scan(link->cursor, at.from, at.events);
      repeated = {buffer_.next(), 0};  // nobody knows any more how much of it was sent
    }
  } else if (wish.resume && view_begins > 0) {  // of whoever had this name before: it misses what is not kept of this
    at = {};
    link->scan = buffer_.scan(link->cursor, 0, 0);
  }
  by_cursor_.emplace(&link->cursor, link.get());
  accept(*link, at, repeated);
  if (missed) {
    link->lost += missed->count.value_or(0);
    link->note_told(*missed);
    control(peer, encode(*missed));
  }
  notes_.push_back("subscribed: " + describe(*link));
  links_.emplace(peer, std::move(link));
}

void Outlet::accept(const Link& link, Point at, Point repeated) {
  Accept told{options_.stage, options_.stream, at.from, options_.silence, at.events, {}};
  if (repeated > at) told.repeated = repeated;
  control(link.peer, encode(told));
  if (draining_) control(link.peer, encode(Draining{buffer_.next()}));
}

/// What is done with need not be kept.
void Outlet::hold_place(Link& link) {
  Cursor& cursor = link.cursor;
  const std::uint64_t held = std::max(cursor.held, link.needed_from());
  if (held != cursor.held) {
    cursor.held = held;
    buffer_.release(*cursor.view);
  }
  release_scan(link, buffer_);
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
  if (std::exchange(link.scan, nullptr)) buffer_.release_base();
  buffer_.detach(link.cursor, done, owed, why == reason::cancelled ? std::string_view{} : why);
}

/// The connection broke: the subscription keeps its place for a while.
void Outlet::lose(const std::string& peer, std::string_view why, Time now) {
  const auto it = links_.find(peer);
  if (it == links_.end()) return;
  Link& link = *it->second;
  const std::string key = key_of(link.identity, link.subscription);
  const bool has_key = link.subscription || !link.identity.empty();
  if (options_.hold == Duration::zero() || !has_key || away_.contains(key) || away_.size() >= max_places) {
    drop(peer, why);
    return;
  }
  notes_.push_back("away (" + std::string(why) + "): " + describe(link));
  by_cursor_.erase(&link.cursor);
  link.break_off();
  link.away_since = now;
  away_.emplace(key, std::move(it->second));
  links_.erase(it);
  buffer_.note_freeable();  // of those who are away, most make nobody wait
}

/// There is no room: those who are away make some.
Outlet::Answer Outlet::append_instead(const EventView& event, const Provenance* from) {
  Answer answer = Answer::full;
  while (answer == Answer::full && give_up_oldest_place()) answer = buffer_.append(event, from);
  return answer;
}

/// A place that is held makes nobody wait, unless it has an identity. False if there is none such.
bool Outlet::give_up_oldest_place() {
  auto oldest = away_.end();
  for (auto it = away_.begin(); it != away_.end(); ++it) {
    if (!it->second->identity.empty()) continue;
    if (oldest == away_.end() || it->second->away_since < oldest->second->away_since) oldest = it;
  }
  if (oldest == away_.end()) return false;
  forget(*oldest->second, reason::lost);
  away_.erase(oldest);
  return true;
}

void Outlet::give_up_all_places() {
  for (const auto& [key, link] : away_) forget(*link, reason::lost);
  away_.clear();
  for (const auto& [identity, expected] : expected_) buffer_.forget(expected->place);
  expected_.clear();
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
      control(peer, encode(Mark{told_upto(*link)}));
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
  std::erase_if(expected_, [&](auto& at) {
    if (now - at.second->since < options_.hold) return false;
    notes_.push_back("nobody came for the identity '" + at.first + "', for which everything was held");
    buffer_.forget(at.second->place);
    return true;
  });
}

/// Nothing more will come from below this position.
std::uint64_t Outlet::told_upto(const Link& link) const {
  if (link.scan && !link.scan->finished()) return link.scan->told();
  const Cursor& cursor = link.cursor;
  const Log& log = cursor.view->log;
  if (cursor.gap) return cursor.gap->from;
  if (cursor.at_end()) return buffer_.next();
  return cursor.item == log.end() ? log.covered() : log.at(cursor.item).from;
}

void Outlet::drain() {
  if (std::exchange(draining_, true)) return;
  for (const auto& [peer, link] : links_) control(peer, encode(Draining{buffer_.next()}));
}

void Outlet::end() {
  give_up_all_places();
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
  const bool scanning = link.scan && !link.scan->finished();
  if (unsent == 0 && !known && !scanning) return;
  std::optional<std::uint64_t> count = known ? known->count : std::optional<std::uint64_t>(0);
  if (count) *count += unsent;
  if (scanning) count.reset();  // what it would have found
  const std::string_view why = unsent > 0 || scanning ? reason::stopped : std::string_view(known->reason);
  control(link.peer, encode(Gap{told_upto(link), buffer_.next(), count, std::string(why)}));
}

void Outlet::cancel_all(std::string_view why, std::string_view detail) {
  while (!links_.empty()) cancel(links_.begin()->first, why, std::string(detail));
}

bool Outlet::drained() const {
  if (buffer_.unclaimed() > 0 || owed_to_away() > 0) return false;
  for (const auto& [peer, link] : links_) {
    if (link->owed() > 0 || link->cursor.gap || link->scan) return false;
  }
  return true;
}

std::uint64_t Outlet::settled_upto() const {
  std::uint64_t upto = buffer_.unclaimed() > 0 ? buffer_.unclaimed_from() : buffer_.next();
  const auto consider = [&](const Link& link) {
    if (!link.identity.empty() && !link.idle()) upto = std::min(upto, link.settled_upto());
  };
  for (const auto& [peer, link] : links_) consider(*link);
  for (const auto& [key, link] : away_) consider(*link);
  for (const auto& [identity, expected] : expected_) upto = std::min(upto, buffer_.begin_of(expected->place));
  return upto;
}

std::uint64_t Outlet::owed_to_away() const {
  std::uint64_t events = 0;
  for (const auto& [key, link] : away_) events += link->owed() + (link->scan ? 1 : 0);
  for (const auto& [identity, expected] : expected_) events += buffer_.next() - buffer_.begin_of(expected->place);
  return events;
}

std::uint64_t Outlet::outstanding() const {
  std::uint64_t events = buffer_.unclaimed() + owed_to_away();
  for (const auto& [peer, link] : links_) events += link->owed();
  return events;
}

std::uint64_t Outlet::may_start(const std::string& peer) const {
  const auto it = links_.find(peer);
  if (it == links_.end() || !it->second->may_send()) return 0;
  const std::uint64_t unsent = it->second->owed() - it->second->in_flight();
  return it->second->events_left() - std::min(unsent, it->second->events_left());
}

std::vector<LinkInfo> Outlet::links() const {
  std::vector<LinkInfo> infos;
  const auto add = [&](const Link& link) {
    const Cursor& cursor = link.cursor;
    infos.push_back({link.subscription, link.consumer, link.identity, cursor.view->selection, link.selected(),
                     link.acknowledged() + link.in_flight(), link.acknowledged(), cursor.dropped, link.lost,
                     link.away_since.has_value()});
  };
  for (const auto& [peer, link] : links_) add(*link);
  for (const auto& [key, link] : away_) add(*link);
  return infos;
}

std::string Outlet::describe(const Link& link) const {
  const auto& patterns = link.cursor.view->selection.patterns();
  std::string text = link.consumer.empty() ? "a consumer without a name" : "consumer " + link.consumer;
  if (!link.identity.empty()) text += " as '" + link.identity + "'";
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
