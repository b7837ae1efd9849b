// SPDX-License-Identifier: Apache-2.0
// What an outlet says of its subscriptions.
#include <algorithm>
#include <utility>

#include "galena/core/outlet.hpp"

namespace galena::core {

bool Outlet::drained() const {
  if (buffer_.unclaimed() > 0 || owed_to_away() > 0) return false;
  return std::all_of(links_.begin(), links_.end(), [](const auto& at) {
    const Subscription& subscription = at.second->subscription;
    const Cursor& cursor = subscription.cursor;
    return subscription.owed() == 0 && cursor.at_end() && !cursor.gap && !subscription.scan;
  });
}

std::uint64_t Outlet::acknowledged_upto() const { return acknowledged_upto(false); }

std::uint64_t Outlet::outstanding_from() const { return acknowledged_upto(true); }

/// By all subscriptions, or by those that have an identity.
std::uint64_t Outlet::acknowledged_upto(bool by_all) const {
  std::uint64_t upto = buffer_.unclaimed() > 0 ? buffer_.unclaimed_from() : buffer_.next();
  for (const auto& [key, subscription] : subscriptions_) {
    if ((!by_all && subscription->identity.empty()) || subscription->idle()) continue;
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

}  // namespace galena::core
