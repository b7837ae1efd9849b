// SPDX-License-Identifier: Apache-2.0
#include "galena/core/subscription.hpp"

#include <algorithm>

#include "galena/base/assert.hpp"

namespace galena::core {

void Subscription::take_holder(const Subscribe& wish) {
  holder = wish.subscription;
  epoch = wish.epoch;
  consumer = wish.consumer;
  consumer_stage = wish.consumer_stage;
}

bool Subscription::handle_grant(Link& link, const Grant& grant) {
  const auto now = link.handle_grant(grant);
  if (!now) return false;
  record_acknowledged(now->events);
  if (now->scanned_upto) scan_acknowledged_upto_ = *now->scanned_upto;
  return true;
}

void Subscription::hand_back(Link& link) {
  sent_before = std::max(sent_before, place());
  std::erase(links, &link);
  for (const Gap& gap : link.take_unheard_gaps()) unheard.record(gap, 0);
  hand_back_scanned(link);
  std::vector<Run> runs;
  for (const Flight& flight : link.flights()) {
    if (flight.scanned) continue;
    runs.push_back(flight.run);
    runs.back().events = flight.upto.events - std::max(flight.first, link.acknowledged());
  }
  if (const auto from = cursor.hand_back(runs)) unheard.handle_return_to(*from);
}

/// The scan finds it again.
void Subscription::hand_back_scanned(const Link& link) {
  const Flight* const first = link.first_scanned();
  if (first == nullptr) return;
  const std::uint64_t acknowledged = link.acknowledged() - std::min(first->first, link.acknowledged());
  for (const Flight& flight : link.flights()) {
    if (flight.scanned) scan_selected_ -= flight.upto.events - flight.first;
  }
  scan_selected_ += acknowledged;
  scan->go_back(*first->scanned, acknowledged);
  unheard.handle_return_to(scan->told());
}

void Subscription::resume(const Subscribe& wish, std::uint64_t passed) {
  GALENA_ASSERT(links.empty(), "a subscription is taken up when it has no link");
  away_since.reset();
  cursor.gone = 0;
  if (wish.subscription != holder) acknowledged_by_others_ = acknowledged_;
  acknowledged_ += passed;
  take_holder(wish);
}

void Subscription::go_back_within(std::uint64_t events) {
  if (is_scanning()) return;
  const std::uint64_t again = cursor.events - std::min<std::uint64_t>(cursor.events, events);
  acknowledged_ -= std::min(acknowledged_, again);
  cursor.go_back(cursor.item, events);
}

/// The first item of the view that is still needed for what is in flight or not sent.
std::uint64_t Subscription::needed_from() const {
  std::uint64_t item = cursor.returned.empty() ? cursor.item : cursor.returned.front().begin.item;
  for (const Link* link : links) {
    if (const Run* run = link->first_of_view()) item = std::min(item, run->begin.item);
  }
  return item;
}

void Subscription::release_acknowledged(Buffer& buffer) {
  if (const std::uint64_t needed = needed_from(); needed > cursor.held) {
    cursor.held = needed;
    buffer.release(*cursor.view);
  }
  if (!scan) return;
  const Flight* in_flight = nullptr;
  for (const Link* link : links) in_flight = in_flight != nullptr ? in_flight : link->first_scanned();
  const Spot& needed = in_flight != nullptr ? in_flight->scanned->begin : scan->next();
  const bool held = scan->holds();
  buffer.release(*scan, needed.item);
  if (!scan_is_done()) return;
  scan.reset();
  if (held) buffer.release_base();
}

bool Subscription::may_scan(const Link& link) const {
  return std::none_of(links.begin(), links.end(),
                      [&](const Link* at) { return at != &link && at->first_scanned() != nullptr; });
}

bool Subscription::scan_is_done() const {
  return scan->finished() &&
         std::none_of(links.begin(), links.end(), [](const Link* link) { return link->first_scanned() != nullptr; });
}

Place Subscription::place() const {
  const Id& stream = sent_before.stream;
  if (is_scanning()) return {stream, scan->told(), scan->skip()};
  const Log& log = cursor.view->log;
  const bool inside = !cursor.gap && cursor.item < log.end() && !log.at(cursor.item).is_gap();
  return {stream, cursor.position(), inside ? cursor.events : 0};
}

std::uint64_t Subscription::told_upto(const Link& link, std::uint64_t next) const {
  std::uint64_t upto = cursor.gap        ? cursor.gap->from
                       : cursor.at_end() ? next
                                         : cursor.view->log.position_of(cursor.item);
  if (is_scanning()) upto = scan->told();
  if (!cursor.returned.empty()) upto = std::min(upto, cursor.returned.front().from);
  for (const Link* other : links) {  // what these have may be handed back
    if (other == &link) continue;
    if (const Run* run = other->first_of_view()) upto = std::min(upto, run->from);
    if (const Flight* flight = other->first_scanned()) upto = std::min(upto, flight->scanned->from);
  }
  return upto;
}

std::uint64_t Subscription::acknowledged_upto() const {
  if (scan && !scan_is_done()) return 0;
  std::uint64_t upto = cursor.view->log.position_of(cursor.item);
  if (!cursor.returned.empty()) upto = std::min(upto, cursor.returned.front().from);
  for (const Link* link : links) {
    // What is in flight may have made room: it is not in the log any more.
    if (const Run* run = link->first_of_view()) upto = std::min(upto, run->from);
  }
  return upto;
}

LinkInfo Subscription::info() const {
  LinkInfo info;
  info.subscription = holder;
  info.consumer = consumer;
  info.consumer_stage = consumer_stage;
  info.identity = identity;
  info.selection = cursor.view->selection;
  info.selected = selected();
  info.sent = acknowledged() + in_flight();
  info.acknowledged = acknowledged();
  info.dropped = cursor.dropped;
  info.lost = lost.total();
  info.away = away_since.has_value();
  info.held_bytes = cursor.held_bytes();
  return info;
}

bool Subscription::idle() const {
  return in_flight() == 0 && !is_scanning() && cursor.returned.empty() && cursor.at_end() && !cursor.gap;
}

std::uint64_t Subscription::in_flight() const {
  std::uint64_t events = 0;
  for (const Link* link : links) events += link->in_flight();
  return events;
}

std::uint64_t Subscription::open_credit() const {
  std::uint64_t left = 0;
  for (const Link* link : links) left = add_capped(left, link->events_left());
  return left - std::min(left, owed() - in_flight());
}

}  // namespace galena::core
