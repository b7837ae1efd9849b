// SPDX-License-Identifier: Apache-2.0
#include "galena/names/route.hpp"

#include <algorithm>
#include <utility>

namespace galena::names {
namespace {

constexpr unsigned most_redirects = 8;
constexpr std::size_t most_targets = 16;

std::vector<Route::Target> targets_of(const ServiceAddress& address) {
  std::vector<Route::Target> targets;
  for (const std::string& endpoint : address.endpoints) {
    // Anybody may have said this, so it may lead to a TCP endpoint only, never to a local socket.
    if (targets.size() < most_targets && endpoint.starts_with("tcp://")) targets.push_back({endpoint, address.service});
  }
  return targets;
}

}  // namespace

Route::Route(Options options) : options_(std::move(options)) {}

Route::Step Route::poll(Time now) {
  if (state_ == State::pausing && now >= resume_) {
    go_home();
    try_next(now);
  }
  return std::exchange(due_, Step::none);
}

void Route::go_home() {
  hosted_ = false;
  targets_.clear();
  for (const std::string& service : options_.services) targets_.push_back({service, {}});
  if (options_.services.empty()) {
    targets_.push_back({options_.local, {}});
    for (const Target& target : suggested_) targets_.push_back(target);
    suggested_.clear();
  }
}

void Route::try_next(Time now) {
  if (targets_.empty()) return pause(now);
  target_ = std::move(targets_.front());
  targets_.pop_front();
  state_ = State::trying;
  due_ = Step::connect;
}

void Route::pause(Time now) {
  pause_ = std::clamp(pause_ * 2, options_.first_pause, options_.longest_pause);
  resume_ = now + pause_;
  state_ = State::pausing;
  due_ = Step::none;
}

void Route::handle_welcome(Time now) {
  state_ = State::welcome;
  welcomed_ = now;
  redirects_ = 0;
}

void Route::handle_failed(Time now) {
  if (state_ == State::welcome) {
    // A service that had been there goes: its successor is found at home at once. One that keeps coming and going
    // is asked less and less often.
    if (now - welcomed_ < options_.longest_pause) return pause(now);
    pause_ = {};
    go_home();
    return try_next(now);
  }
  if (state_ != State::trying) return;
  if (is_local(target_) && options_.host && !hosted_) {
    state_ = State::hosting;
    due_ = Step::host;
    return;
  }
  try_next(now);
}

void Route::handle_hosted() {
  if (state_ != State::hosting) return;
  hosted_ = true;
  target_ = {options_.local, {}};
  state_ = State::trying;
  due_ = Step::connect;
}

void Route::handle_redirect(const ServiceAddress& to, Time now) {
  auto targets = targets_of(to);
  targets_.assign(targets.begin(), targets.end());
  if (++redirects_ > most_redirects) targets_.clear();
  try_next(now);
}

void Route::suggest(const ServiceAddress& service, Time now) {
  if (state_ == State::welcome || !options_.services.empty()) return;
  suggested_ = targets_of(service);
  if (state_ == State::pausing) resume_ = std::min(resume_, now);
}

}  // namespace galena::names
