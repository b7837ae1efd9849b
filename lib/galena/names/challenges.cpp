// SPDX-License-Identifier: Apache-2.0
#include "galena/names/challenges.hpp"

#include <algorithm>

#include "galena/base/assert.hpp"

namespace galena::names {

Challenges::Added Challenges::add(const std::string& name, const std::string& owner, RegisterRequest request,
                                  Time now) {
  const auto [it, opened] = open_.try_emplace(name);
  Challenge& challenge = it->second;
  if (opened) {
    challenge.number = ++last_number_;
    challenge.owner = owner;
    challenge.requests.push_back(std::move(request));
    deadlines_.push_back({now + answer_within_, challenge.number, name});
    return Added::opened;
  }
  const auto same = std::find_if(challenge.requests.begin(), challenge.requests.end(), [&](const auto& other) {
    return other.entry.registration.stage == request.entry.registration.stage;
  });
  if (same != challenge.requests.end()) {
    *same = std::move(request);
    return Added::joined;
  }
  if (challenge.requests.size() >= requests_per_name_) return Added::full;
  challenge.requests.push_back(std::move(request));
  return Added::joined;
}

bool Challenges::awaits(const std::string& name, std::uint64_t number, const std::string& peer) const {
  const auto it = open_.find(name);
  return it != open_.end() && it->second.number == number && it->second.owner == peer;
}

std::vector<RegisterRequest> Challenges::close(const std::string& name) {
  const auto it = open_.find(name);
  GALENA_ASSERT(it != open_.end() && !it->second.requests.empty(), name);
  auto requests = std::move(it->second.requests);
  open_.erase(it);
  return requests;
}

void Challenges::erase_request(const std::string& name, const std::string& peer, const Id& stage) {
  const auto it = open_.find(name);
  if (it == open_.end()) return;
  std::erase_if(it->second.requests, [&](const RegisterRequest& request) {
    return request.peer == peer && request.entry.registration.stage == stage;
  });
  if (it->second.requests.empty()) open_.erase(it);
}

void Challenges::erase_peer(const std::string& peer) {
  for (auto& [name, challenge] : open_) {
    std::erase_if(challenge.requests, [&](const RegisterRequest& request) { return request.peer == peer; });
  }
  std::erase_if(open_, [](const auto& item) { return item.second.requests.empty(); });
}

void Challenges::clear() {
  open_.clear();
  deadlines_.clear();
}

std::optional<std::string> Challenges::poll_unanswered(Time now) {
  while (!deadlines_.empty() && deadlines_.front().at <= now) {
    Deadline deadline = std::move(deadlines_.front());
    deadlines_.pop_front();
    const auto it = open_.find(deadline.name);
    if (it != open_.end() && it->second.number == deadline.number) return std::move(deadline.name);
  }
  return std::nullopt;
}

}  // namespace galena::names
