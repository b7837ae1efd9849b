// SPDX-License-Identifier: Apache-2.0
#include "galena/core/outlet.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "galena/base/assert.hpp"
#include "galena/core/transmission.hpp"

namespace galena::core {

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
  if (const auto* other = std::get_if<OtherVersion>(&message)) {
    refuse_version(peer, other->versions);
    return;
  }
  Link* const link = link_of(peer);
  if (link == nullptr) {
    if (!std::holds_alternative<Cancel>(message))
      cancel(peer, reason::unknown, "there is no subscription on this link");
    return;
  }
  link->heard = now;
  if (const auto* told = std::get_if<Grant>(&message)) {
    grant(*link, *told);
  } else if (const auto* end = std::get_if<Cancel>(&message)) {
    if (end->reason == reason::away) {
      lose(*link, reason::away, now);
    } else {
      drop(*link, end->reason == reason::cancelled ? reason::cancelled : reason::stopped);
    }
  } else {
    handle_malformed(peer);
  }
}

Link* Outlet::link_of(const std::string& peer) const {
  const auto it = links_.find(peer);
  return it == links_.end() ? nullptr : it->second.get();
}

void Outlet::handle_malformed(const std::string& peer) {
  ++malformed_;
  if (std::has_single_bit(malformed_)) {
    const Link* const link = link_of(peer);
    warnings_.push_back("refused a message that is not of this protocol, or not expected then, of " +
                        (link == nullptr ? "an unknown peer" : describe(link->subscription)) + " (" +
                        std::to_string(malformed_) + " so far)");
  }
  cancel(peer, reason::malformed, "that message is not of this protocol, or not expected here");
}

void Outlet::refuse_version(const std::string& peer, const Versions& theirs) {
  ++wrong_version_;
  const std::string detail = spoken_versions.refuse(theirs);
  if (std::has_single_bit(wrong_version_)) {
    warnings_.push_back("refused a peer that speaks another version of the protocol: " + detail + " (" +
                        std::to_string(wrong_version_) + " so far)");
  }
  cancel(peer, reason::version, detail);
}

void Outlet::handle_gone(const std::string& peer, Time now) {
  if (Link* const link = link_of(peer)) lose(*link, reason::lost, now);
}

void Outlet::subscribe(const std::string& peer, const Subscribe& wish, Time now) {
  if (wish.stage && wish.stage != options_.stage) {
    cancel(peer, reason::wrong_stage, "this is stage " + options_.stage.hex());
    return;
  }
  if (links_.contains(peer)) {
    cancel(peer, reason::malformed, "this link has a subscription already");
    return;
  }
  if (!has_room_for(peer, wish)) return;
  std::string key = key_of(wish);
  if (const auto known = subscriptions_.find(key); known != subscriptions_.end()) {
    if (!give_way(peer, wish, *known->second, now)) return;
  }
  if (const auto held = subscriptions_.find(key); held != subscriptions_.end()) {
    if (resume(peer, wish, *held->second, now)) return;
  }
  begin(peer, std::move(key), wish, now);
}

/// What is selected is kept with the subscription, also while that is away: so it is bounded, for each and for all.
bool Outlet::has_room_for(const std::string& peer, const Subscribe& wish) {
  const std::size_t topics = wish.selection.patterns().size();
  const std::uint64_t bytes = selected_bytes(wish.selection);
  std::string detail;
  if (topics > max_selected_topics || bytes > max_selected_bytes) {
    detail = "a subscription selects at most " + std::to_string(max_selected_topics) + " topics of " +
             std::to_string(max_selected_bytes) + " bytes in all; this one selects " + std::to_string(topics) + " of " +
             std::to_string(bytes);
  } else if (topics > 0 && buffer_.selection_bytes() + bytes > options_.max_selection_bytes &&
             !buffer_.has_view(wish.selection)) {
    detail = "the topics of all subscriptions take at most " + std::to_string(options_.max_selection_bytes) +
             " bytes here; those of this one take " + std::to_string(bytes) + " and there is no room for them";
  } else {
    return true;
  }
  notes_.push_back("a subscription was refused: " + detail);
  cancel(peer, reason::too_large, detail);
  return false;
}

/// The same for all attempts to have one subscription.
std::string Outlet::key_of(const Subscribe& wish) {
  if (!wish.identity.empty()) return "@" + wish.identity;
  return wish.subscription ? "#" + wish.subscription.hex() : "?" + std::to_string(++nameless_);
}

/// The subscription may have a link, perhaps because this side has not noticed yet that it broke: the later attempt
/// gets the subscription. False if that is not this one.
bool Outlet::give_way(const std::string& peer, const Subscribe& wish, Subscription& before, Time now) {
  const bool same_holder = before.holder == wish.subscription;
  if (before.epoch > wish.epoch) {  // of the same holder: an attempt that was under way for long
    if (!same_holder) {
      control(peer, encode(Cancel{std::string(reason::superseded),
                                  "a later consumer has the identity '" + wish.identity + "'", before.epoch}));
    }
    return false;
  }
  const std::vector<Link*> links = before.links;
  for (Link* link : links) {
    const std::string old_peer = link->peer;
    lose(*link, same_holder ? reason::lost : reason::superseded, now);
    if (same_holder) continue;
    control(old_peer, encode(Cancel{std::string(reason::superseded),
                                    "another consumer has taken up the identity '" + wish.identity + "'"}));
  }
  return true;
}

/// Takes up a subscription that is away. `here` is where it stands on this side, `wished` where the consumer says that
/// it stands; that counts only if it is in this stream.
///
///   1. The selection is another one              -> forgotten; it begins anew (false)
///   2. No `wished` at all, though this very
///      consumer has acknowledged something       -> it cannot be the same consumer: forgotten (false)
///   3. No `wished` in this stream (it may have
///      been with another producer of this name)  -> goes on from `here`
///   4. `wished` below `here`, `here` in a batch  -> the acknowledged events of that batch are sent again; then 5 to 7
///   5. `wished` below `here`, and the consumer
///      has acknowledged all that was sent        -> nothing that it selects lies between: a mark says so; from `here`
///   6. `wished` below what its view has          -> a scan replays what is kept from `wished` on; what is not kept
///                                                   and lies below `here` was acknowledged, and is no gap
///   7. `wished` at or above `here`               -> it has handled more than was known: goes on from `wished`
bool Outlet::resume(const std::string& peer, const Subscribe& wish, Subscription& subscription, Time now) {
  Cursor& cursor = subscription.cursor;
  const bool same_holder = subscription.holder == wish.subscription;
  const bool has_place = wish.resume && wish.resume->stream == options_.stream;
  const bool same_selection = wish.selection == cursor.view->selection;
  if (!same_selection || (!wish.resume && same_holder && subscription.holder_acknowledged())) {  // cases 1 and 2
    forget(subscription, same_selection ? reason::lost : reason::cancelled);
    return false;
  }
  GALENA_ASSERT(cursor.returned.empty(), "without links, the cursor has gone back to what was not acknowledged");
  buffer_.seal(*cursor.view);
  cursor.view->log.close_gap();  // so that what is dropped from now on is a gap of its own
  const Place here = subscription.place();
  subscription.acknowledged_below = std::max(subscription.acknowledged_below, here.from);
  Place at = here;  // case 3
  std::uint64_t passed = 0;
  bool nothing_between = false;
  if (has_place) {
    at.from = std::min(wish.resume->from, buffer_.next());
    at.events = wish.resume->events;
    // A new consumer may wish for a place before events that an earlier consumer acknowledged. The new one may not have
    // handled those.
    const bool agrees = same_holder || (at.events == 0 && at.from >= subscription.scan_acknowledged_upto());
    const std::uint64_t view_begins = subscription.scan ? subscription.scan->upto() : cursor.position();
    if (at < here && here.events > 0) subscription.go_back_within(at.from == here.from ? at.events : 0);  // case 4
    nothing_between = at.from < here.from && here.events == 0 && agrees;                                  // case 5
    if (!nothing_between) passed = move(subscription, at, view_begins);  // cases 6 and 7
    buffer_.release_base();
  }
  away_.erase(subscription.away_number);
  subscription.resume(wish, passed);
  Link& link = accept(peer, subscription, wish, at, subscription.sent_before, now);
  for (const Gap& gap : subscription.unheard.take()) {
    link.record_told(gap);
    control(peer, encode(gap));
  }
  if (nothing_between) control(peer, encode(Mark{here.from}));
  notes_.push_back("resumed: " + describe(subscription));
  record_change(subscription, SubscriberChange::returned);
  release_acknowledged(subscription);
  return true;
}

/// Moves the subscription to a place that its consumer knows. Returns how many events it has handled more than was
/// known here.
std::uint64_t Outlet::move(Subscription& subscription, const Place& wished, std::uint64_t view_begins) {
  auto& scan = subscription.scan;
  if (wished.from >= view_begins) {
    scan.reset();
    return subscription.cursor.go_on(wished.from, wished.events);
  }
  const bool held = scan && scan->holds();
  auto again = buffer_.scan(subscription.cursor, wished.from, wished.events);
  if (held) buffer_.hold(*again);
  again->pass_over_missing_below(subscription.acknowledged_below);
  scan = std::move(again);
  return 0;
}

/// A subscription that this side does not know. What is kept of what it has not seen comes first:
///
///   1. Its identity was expected               -> everything since then, which is held for it
///   2. It had a place in this stream           -> what is retained from there on; some of it may come again
///   3. It had a place in another stream: that
///      of a producer with this name before     -> the oldest that is retained
///   4. It is new                               -> what no subscriber was offered yet, if it is the first, else nothing
void Outlet::begin(const std::string& peer, std::string key, const Subscribe& wish, Time now) {
  auto made = std::make_unique<Subscription>(std::move(key), wish, options_.stream);
  Subscription& subscription = *made;
  subscriptions_.emplace(subscription.key, std::move(made));
  Cursor& cursor = subscription.cursor;
  buffer_.attach(cursor, wish.selection);
  cursor.subscription = &subscription;
  subscription.scan = buffer_.take_unclaimed_scan();
  const auto expected = expected_.find(wish.identity);
  // It has a place of its own: what somebody else handled of a batch that was handed on is still to come.
  if (wish.resume || expected != expected_.end()) buffer_.go_back_in_batch(cursor);
  // In front of a gap, so that a consumer that does not hear of the gap is told of it when it comes back.
  Place at = subscription.place();  // 4
  Place repeated{.stream = options_.stream};
  std::optional<Gap> missed;  // what was held for it made room
  const std::uint64_t view_begins = cursor.position();
  if (expected != expected_.end()) {  // 1
    const Cursor& place = expected->second->place;
    if (place.position() < (subscription.scan ? at.from : view_begins)) {
      at.from = place.position();
      missed = place.gap;
      if (missed && !wish.selection.everything()) missed->count.reset();  // nobody knows what of it was selected
      const std::uint64_t held_from = Buffer::begin_of(place);
      if (held_from < view_begins) {
        subscription.scan = buffer_.scan(cursor, held_from, 0);
        buffer_.hold(*subscription.scan);
      }
    }
    buffer_.forget(expected->second->place);
    expected_.erase(expected);
  } else if (wish.resume && wish.resume->stream == options_.stream) {  // 2
    if (!subscription.scan && wish.resume->from < view_begins) {
      at = *wish.resume;
      subscription.scan = buffer_.scan(cursor, at.from, at.events);
      repeated.from = buffer_.next();  // nobody knows any more how much of it was sent
    }
  } else if (wish.resume && !subscription.scan && view_begins > 0) {  // 3
    at.from = 0;
    subscription.scan = buffer_.scan(cursor, 0, 0);
  }
  Link& link = accept(peer, subscription, wish, at, repeated, now);
  if (missed) {
    subscription.lost.add(*missed);
    link.record_told(*missed);
    control(peer, encode(*missed));
  }
  notes_.push_back("subscribed: " + describe(subscription));
  record_change(subscription, SubscriberChange::joined);
}

/// The subscription gets a link. `at` is where it goes on; what is sent again lies below `repeated`.
Link& Outlet::accept(const std::string& peer, Subscription& subscription, const Subscribe& wish, const Place& at,
                     const Place& repeated, Time now) {
  auto made = std::make_unique<Link>(peer, subscription, options_.stream, wish, options_.max_in_flight_bytes, now);
  Link& link = *made;
  link.told_repeated = repeated;
  subscription.links.push_back(&link);
  links_.emplace(peer, std::move(made));
  credit_changed_ = true;
  Accept told{options_.stage, at, options_.silence, {}};
  told.version = spoken_versions.common(wish.versions).value();
  if (repeated > at) told.repeated = repeated;
  control(peer, encode(told));
  if (draining_) control(peer, encode(Draining{buffer_.next()}));
  return link;
}

/// What is done with need not be kept.
void Outlet::release_acknowledged(Subscription& subscription) {
  subscription.release_acknowledged(buffer_);
  buffer_.mark_dirty(*subscription.cursor.view);
}

void Outlet::grant(Link& link, const Grant& told) {
  if (!link.subscription.handle_grant(link, told)) {
    cancel(link.peer, reason::acknowledge, "more was acknowledged than was sent");
    return;
  }
  credit_changed_ = true;
  release_acknowledged(link.subscription);
}

/// The connection is over. Returns its subscription if that has no other link; else that is sent what this one had.
Subscription* Outlet::end_link(Link& link) {
  Subscription& subscription = link.subscription;
  subscription.hand_back(link);
  if (link.is_due_later) std::erase_if(held_back_, [&](const HeldBack& at) { return at.link == &link; });
  links_.erase(links_.find(link.peer));
  credit_changed_ = true;
  if (subscription.links.empty()) return &subscription;
  buffer_.mark_dirty(*subscription.cursor.view);
  return nullptr;
}

/// The link is over, and the subscription with it unless it has another one.
void Outlet::drop(Link& link, std::string_view why) {
  if (Subscription* const subscription = end_link(link)) forget(*subscription, why);
}

/// The link broke: the subscription, unless it has another one, keeps its place for a while.
void Outlet::lose(Link& link, std::string_view why, Time now) {
  Subscription* const subscription = end_link(link);
  if (subscription == nullptr) return;
  const bool has_key = subscription->holder || !subscription->identity.empty();
  if (options_.hold == Duration::zero() || !has_key || away_.size() >= max_places) {
    forget(*subscription, why);
    return;
  }
  notes_.push_back("away (" + std::string(why) + "): " + describe(*subscription));
  subscription->away_since = now;
  subscription->away_number = ++left_;
  away_.emplace(left_, subscription);
  buffer_.record_freeable();  // of those who are away, most make nobody wait
  record_change(*subscription, SubscriberChange::away, why);
}

/// The subscription is over: what was held for it is free.
void Outlet::forget(Subscription& subscription, std::string_view why) {
  const std::uint64_t owed = subscription.owed() + subscription.cursor.gone;
  std::string note = "unsubscribed (" + std::string(why) + "): " + describe(subscription);
  if (owed > 0) note += ", " + std::to_string(owed) + " events not acknowledged";
  notes_.push_back(std::move(note));
  record_change(subscription, SubscriberChange::gone, why);
  // Its consumer has said what it handled: the rest is for the next one.
  const bool hands_on = why == reason::cancelled && owed > 0 && buffer_.has_one_reader() && !subscription.scan;
  if (std::exchange(subscription.scan, nullptr)) buffer_.release_base();
  if (hands_on) {
    buffer_.hand_on(subscription.cursor, subscription.owed());
  } else {
    buffer_.detach(subscription.cursor, owed, why);
  }
  if (subscription.away_since) away_.erase(subscription.away_number);
  subscriptions_.erase(subscriptions_.find(subscription.key));
}

/// There is no room: those who are away make some.
Outlet::Answer Outlet::append_instead(const EventView& event, const Provenance* from) {
  Answer answer = Answer::full;
  while (answer == Answer::full && give_up_oldest_place()) answer = buffer_.append(event, from);
  return answer;
}

/// A place that is held makes nobody wait, unless it has an identity. False if there is none such.
bool Outlet::give_up_oldest_place() {
  const auto oldest =
      std::find_if(away_.begin(), away_.end(), [](const auto& at) { return at.second->identity.empty(); });
  if (oldest == away_.end()) return false;
  forget(*oldest->second, reason::lost);
  return true;
}

void Outlet::give_up_all_places() {
  while (!away_.empty()) forget(*away_.begin()->second, reason::lost);
  for (const auto& [identity, expected] : expected_) buffer_.forget(expected->place);
  expected_.clear();
}

/// `peer` by value: it is often the name in the link that goes.
void Outlet::cancel(std::string peer, std::string_view why, const std::string& detail) {
  if (Link* const link = link_of(peer)) drop(*link, why);
  control(std::move(peer), encode(Cancel{std::string(why), detail}));
}

void Outlet::control(std::string peer, std::string bytes) {
  control_.push_back({.peer = std::move(peer), .bytes = std::move(bytes)});
}

void Outlet::handle_time(Time now) {
  std::vector<Link*> silent;
  for (const auto& [peer, link] : links_) {
    if (now - link->heard > link->silence) {
      silent.push_back(link.get());
    } else if (now - link->told >= options_.silence / 4) {
      control(peer, encode(Mark{link->subscription.told_upto(*link, buffer_.next())}));
      link->told = now;
    }
  }
  for (Link* link : silent) {
    const std::string peer = link->peer;
    lose(*link, reason::silent, now);
    control(peer, encode(Cancel{std::string(reason::silent), "nothing was heard for too long"}));
  }
  while (!away_.empty() && now - *away_.begin()->second->away_since >= options_.hold) {
    forget(*away_.begin()->second, reason::lost);
  }
  std::erase_if(expected_, [&](auto& at) {
    if (now - at.second->since < options_.hold) return false;
    notes_.push_back("nobody came for the identity '" + at.first + "', for which everything was held");
    buffer_.forget(at.second->place);
    return true;
  });
}

void Outlet::drain() {
  if (std::exchange(draining_, true)) return;
  for (const auto& [peer, link] : links_) control(peer, encode(Draining{buffer_.next()}));
}

void Outlet::end() {
  give_up_all_places();
  const std::string message = encode(End{buffer_.next()});
  while (!links_.empty()) {
    Link& link = *links_.begin()->second;
    const std::string peer = link.peer;
    if (link.subscription.links.size() == 1) tell_unsent(link);
    drop(link, link.subscription.owed() > 0 ? reason::stopped : reason::cancelled);
    control(peer, message);
  }
}

/// The stream is about to end: what the subscription selected and was not sent will not come.
void Outlet::tell_unsent(const Link& link) {
  const Subscription& subscription = link.subscription;
  const std::optional<Gap>& known = subscription.cursor.gap;
  const std::uint64_t unsent = subscription.owed() - subscription.in_flight();
  const bool scanning = subscription.is_scanning();
  if (unsent == 0 && !known && !scanning) return;
  std::optional<std::uint64_t> count = known ? known->count : std::optional<std::uint64_t>(0);
  if (count) *count += unsent;
  if (scanning) count.reset();  // what it would have found
  const std::string_view why = unsent > 0 || scanning ? reason::stopped : std::string_view(known->reason);
  control(link.peer,
          encode(Gap{subscription.told_upto(link, buffer_.next()), buffer_.next(), count, std::string(why)}));
}

void Outlet::cancel_all(std::string_view why, std::string_view detail) {
  while (!links_.empty()) cancel(links_.begin()->first, why, std::string(detail));
}

bool Outlet::drained() const {
  if (buffer_.unclaimed() > 0 || owed_to_away() > 0) return false;
  return std::all_of(links_.begin(), links_.end(), [](const auto& at) {
    const Subscription& subscription = at.second->subscription;
    const Cursor& cursor = subscription.cursor;
    return subscription.owed() == 0 && cursor.at_end() && !cursor.gap && !subscription.scan;
  });
}

std::uint64_t Outlet::acknowledged_upto() const {
  std::uint64_t upto = buffer_.unclaimed() > 0 ? buffer_.unclaimed_from() : buffer_.next();
  for (const auto& [key, subscription] : subscriptions_) {
    if (subscription->identity.empty() || subscription->idle()) continue;
    upto = std::min(upto, subscription->acknowledged_upto());
  }
  for (const auto& [identity, expected] : expected_) upto = std::min(upto, buffer_.begin_of(expected->place));
  return upto;
}

std::uint64_t Outlet::owed_to_away() const {
  std::uint64_t events = 0;
  for (const auto& [number, subscription] : away_) events += subscription->owed() + (subscription->scan ? 1 : 0);
  for (const auto& [identity, expected] : expected_) events += buffer_.next() - buffer_.begin_of(expected->place);
  return events;
}

std::uint64_t Outlet::outstanding() const {
  std::uint64_t events = buffer_.unclaimed() + owed_to_away();
  for (const auto& [key, subscription] : subscriptions_) events += subscription->away_since ? 0 : subscription->owed();
  return events;
}

OpenCredit Outlet::open_credit() const {
  OpenCredit open;
  bool first = true;
  for (const auto& [key, subscription] : subscriptions_) {
    if (subscription->links.empty()) continue;
    const std::uint64_t left = subscription->open_credit();
    open.smallest = std::exchange(first, false) ? left : std::min(open.smallest, left);
    open.largest = std::max(open.largest, left);
    open.total = add_capped(open.total, left);
  }
  return open;
}

std::vector<LinkInfo> Outlet::links() const {
  std::vector<LinkInfo> infos;
  for (const auto& [key, subscription] : subscriptions_) infos.push_back(subscription->info());
  return infos;
}

void Outlet::record_change(const Subscription& subscription, SubscriberChange change, std::string_view why) {
  changes_.push_back({subscription.info(), change, std::string(why)});
}

std::string Outlet::describe(const Subscription& subscription) const {
  const auto& patterns = subscription.cursor.view->selection.patterns();
  const std::string& consumer = subscription.consumer;
  std::string text = consumer.empty() ? "a consumer without a name" : "consumer " + consumer;
  if (!subscription.identity.empty()) text += " as '" + subscription.identity + "'";
  text += patterns.empty() ? ", everything" : ", " + std::to_string(patterns.size()) + " topics";
  return text;
}

/// What was held back for long enough is sent by the poll() that follows.
void Outlet::flush() {
  for (HeldBack& each : held_back_) {
    each.until = Time::min();
    each.link->sent_at -= longest_hold_back;
  }
}

void Outlet::end_holding_back(Time now) {
  while (!held_back_.empty() && held_back_.front().until <= now) {
    Link& link = *held_back_.front().link;
    held_back_.pop_front();
    link.is_due_later = holds_back(link, now);  // it was sent something since
    if (link.is_due_later) {
      held_back_.push_back({link.sent_at + longest_hold_back, &link});
    } else {
      buffer_.mark_dirty(*link.subscription.cursor.view);
    }
  }
}

void Outlet::poll(std::vector<Parcel>& out, Time now) {
  end_holding_back(now);
  for (Parcel& parcel : std::exchange(control_, {})) out.push_back(std::move(parcel));
  for (View* view : buffer_.take_dirty()) {
    view->wake_at = View::quiet;
    for (std::size_t i = 0; i < view->cursors.size();
         ++i) {  // a scan that is done takes its own cursor out, behind this
      const Subscription* const subscription = view->cursors[i]->subscription;
      if (subscription == nullptr) continue;  // what nobody was offered yet
      for (Link* link : subscription->links) {
        transmit(*link, buffer_, out, now);
        view->wake_at = std::min(view->wake_at, wake_threshold(*link, now));
        if (holds_back(*link, now) && !std::exchange(link->is_due_later, true)) {
          held_back_.push_back({link->sent_at + longest_hold_back, link});
        }
      }
    }
  }
}

}  // namespace galena::core
