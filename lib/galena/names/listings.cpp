// SPDX-License-Identifier: Apache-2.0
#include "galena/names/listings.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace galena::names {
namespace {

constexpr Duration retry_after = std::chrono::milliseconds(50);

}  // namespace

std::optional<std::string> Listings::handle_page(Message& page) {
  const auto it = open_.find(page.request);
  if (it == open_.end()) return std::nullopt;
  std::vector<Entry>& entries = it->second.entries;
  // Each page must go on behind the one before, or a service could make this node collect pages for ever.
  const bool forward = !page.entries.empty() &&
                       (entries.empty() || entries.back().registration.name < page.entries.back().registration.name);
  std::move(page.entries.begin(), page.entries.end(), std::back_inserter(entries));
  if (page.more && forward) return entries.back().registration.name;
  calls_.push_back([done = std::move(it->second.done), entries = std::move(entries)] { done(entries); });
  open_.erase(it);
  return std::nullopt;
}

void Listings::handle_refused(std::uint64_t request, Time now) {
  if (const auto it = open_.find(request); it != open_.end()) it->second.again = now + retry_after;
}

std::optional<Listings::Again> Listings::poll_again(Time now) {
  for (auto& [request, listing] : open_) {
    if (listing.again > now) continue;
    listing.again = never;
    return Again{request, listing.entries.empty() ? "" : listing.entries.back().registration.name};
  }
  return std::nullopt;
}

void Listings::handle_disconnected() {
  for (auto& [request, listing] : open_) {
    listing.entries.clear();
    listing.again = never;
  }
}

void Listings::handle_timeout(Time now) {
  for (auto it = open_.begin(); it != open_.end();) {
    const auto at = it++;
    if (at->second.deadline > now) continue;
    calls_.push_back([done = std::move(at->second.done)] { done(std::nullopt); });
    open_.erase(at);
  }
}

Time Listings::poll_timeout() const {
  Time next = never;
  for (const auto& [request, listing] : open_) next = std::min({next, listing.deadline, listing.again});
  return next;
}

std::vector<std::uint64_t> Listings::requests() const {
  std::vector<std::uint64_t> requests;
  for (const auto& [request, listing] : open_) requests.push_back(request);
  return requests;
}

}  // namespace galena::names
