// SPDX-License-Identifier: Apache-2.0
// How a subscription gets a link: as a new one, as one that was away, or in the place of another consumer.
#include <algorithm>
#include <utility>

#include "galena/base/assert.hpp"
#include "galena/core/outlet.hpp"

namespace galena::core {

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
  // A consumer that knows its place marks nothing itself. If another one was sent events since it left that place, it
  // cannot know which: so these are marked here.
  if (has_place && !same_holder) link.told_repeated = {.stream = options_.stream};
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
///   2. It had a place in this stream           -> what is retained from there on; some of it may come again.
///                                                 What another consumer handed on lies behind that place only
///   3. It had a place in another stream: that
///      of a producer with this name before     -> the oldest that is retained
///   4. It is new                               -> what no subscriber was offered yet, if it is the first, else nothing
void Outlet::begin(const std::string& peer, std::string key, const Subscribe& wish, Time now) {
  auto made = std::make_unique<Subscription>(std::move(key), wish, options_.stream);
  Subscription& subscription = *made;
  subscriptions_.emplace(subscription.key, std::move(made));
  Cursor& cursor = subscription.cursor;
  const auto expected = expected_.find(wish.identity);
  const bool has_place = expected == expected_.end() && wish.resume && wish.resume->stream == options_.stream;
  const std::uint64_t unclaimed_from = buffer_.attach(cursor, wish.selection, has_place ? &*wish.resume : nullptr);
  cursor.subscription = &subscription;
  subscription.scan = buffer_.take_unclaimed_scan();
  // It has a place of its own: what somebody else handled of a batch that was handed on is still to come.
  if (wish.resume || expected != expected_.end()) {
    buffer_.go_back_in_batch(cursor, has_place ? *wish.resume : Place{.stream = options_.stream});
  }
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
  } else if (has_place) {  // 2
    if (wish.resume->from < (subscription.scan ? unclaimed_from : view_begins)) {
      at = *wish.resume;
      if (!subscription.scan) subscription.scan = buffer_.scan(cursor, at.from, at.events);
      repeated.from = buffer_.next();  // nobody knows any more how much of it was sent
      subscription.sent_before = repeated;
    } else if (!subscription.scan) {
      subscription.record_acknowledged(cursor.go_on(wish.resume->from, wish.resume->events));
      at = subscription.place();
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

}  // namespace galena::core
