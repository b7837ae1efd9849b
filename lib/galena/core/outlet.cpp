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
    handle_malformed(peer, "it is not expected from a subscriber");
  }
}

Link* Outlet::link_of(const std::string& peer) const {
  const auto it = links_.find(peer);
  return it == links_.end() ? nullptr : it->second.get();
}

void Outlet::handle_malformed(const std::string& peer, const std::string& why) {
  ++malformed_;
  if (std::has_single_bit(malformed_)) {
    const Link* const link = link_of(peer);
    warnings_.push_back("refused a message of " +
                        (link == nullptr ? "a peer without a subscription" : describe(link->subscription)) + ": " +
                        why + " (" + std::to_string(malformed_) + " so far)");
  }
  cancel(peer, reason::malformed, "that message is not of this protocol: " + why);
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
  const Log& log = subscription.cursor.view->log;
  Cursor ahead = subscription.cursor;  // learns of the gaps that lie before it, too
  for (; ahead.item < log.end(); ahead.step()) {
    if (log.at(ahead.item).is_gap()) ahead.learn_gap();
  }
  const std::uint64_t in_gaps = ahead.dropped - subscription.cursor.dropped;
  const std::uint64_t unsent = subscription.owed() - in_gaps - subscription.in_flight();
  const bool scanning = subscription.is_scanning();
  if (unsent == 0 && !ahead.gap && !scanning) return;
  std::optional<std::uint64_t> count = ahead.gap ? ahead.gap->count : std::optional<std::uint64_t>(0);
  if (count) *count += unsent;
  if (scanning) count.reset();  // what it would have found
  const std::string_view why = unsent > 0 || scanning ? reason::stopped : std::string_view(ahead.gap->reason);
  control(link.peer,
          encode(Gap{subscription.told_upto(link, buffer_.next()), buffer_.next(), count, std::string(why)}));
}

void Outlet::cancel_all(std::string_view why, std::string_view detail) {
  while (!links_.empty()) cancel(links_.begin()->first, why, std::string(detail));
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

/// What is next for the link is larger than its subscriber takes. The place is held as after any broken link: for a
/// consumer that takes more. Returns what to say.
Parcel Outlet::lose_for_size(const std::string& peer, Time now) {
  Link& link = *link_of(peer);
  const std::string detail = "an event of " + std::to_string(*link.too_large) +
                             " bytes is next, and the subscriber takes " + std::to_string(link.largest_event) +
                             " at most (largest_event)";
  if (std::has_single_bit(++too_large_)) {
    warnings_.push_back(describe(link.subscription) + " cannot go on: " + detail + " (" + std::to_string(too_large_) +
                        " so far)");
  }
  lose(link, reason::too_large, now);
  return {.peer = peer, .bytes = encode(Cancel{std::string(reason::too_large), detail})};
}

void Outlet::poll(std::vector<Parcel>& out, Time now) {
  end_holding_back(now);
  std::vector<std::string> stuck;
  for (Parcel& parcel : std::exchange(control_, {})) out.push_back(std::move(parcel));
  for (View* view : buffer_.take_dirty()) {
    view->wake_at = View::quiet;
    for (std::size_t i = 0; i < view->cursors.size();
         ++i) {  // a scan that is done takes its own cursor out, behind this
      const Subscription* const subscription = view->cursors[i]->subscription;
      if (subscription == nullptr) continue;  // what nobody was offered yet
      for (Link* link : subscription->links) {
        transmit(*link, buffer_, out, now);
        if (link->too_large) stuck.push_back(link->peer);
        view->wake_at = std::min(view->wake_at, wake_threshold(*link, now));
        if (holds_back(*link, now) && !std::exchange(link->is_due_later, true)) {
          held_back_.push_back({link->sent_at + longest_hold_back, link});
        }
      }
    }
  }
  for (const std::string& peer : stuck) out.push_back(lose_for_size(peer, now));
}

}  // namespace galena::core
