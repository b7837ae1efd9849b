// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "galena/names/entry.hpp"

namespace galena::names {

/// A node asks for a name.
struct RegisterRequest {
  std::string peer;
  std::uint64_t request = 0;  ///< the answer repeats it
  Entry entry;                ///< with a token: another service has granted the name before
  bool resumed() const { return entry.token != Token{}; }
};

/// The names whose owners have been asked whether they still have them, and the requests for these names that wait for
/// the answer. Only stores; what an answer means is decided elsewhere. A challenge has at least one request.
class Challenges {
 public:
  enum class Added {
    opened,  ///< the first request for this name: ask the owner, with number()
    joined,  ///< the owner has been asked already
    full,    ///< too many requests wait for this name; this one was not added
  };

  Challenges(Duration answer_within, std::size_t requests_per_name)
      : answer_within_(answer_within), requests_per_name_(requests_per_name) {}

  /// `owner` is the peer that has to answer. A stage that asks again replaces its earlier request.
  Added add(const std::string& name, const std::string& owner, RegisterRequest request, Time now);
  bool contains(const std::string& name) const { return open_.contains(name); }
  /// Requires: contains(name).
  std::uint64_t number(const std::string& name) const { return open_.at(name).number; }
  /// Whether `peer` is the one that has to answer challenge `number` of `name`, and has not yet.
  bool awaits(const std::string& name, std::uint64_t number, const std::string& peer) const;

  /// Ends the challenge and hands out its requests in order of arrival. Requires: contains(name).
  std::vector<RegisterRequest> close(const std::string& name);
  /// Forgets what this stage, or this peer, has asked for; and the challenges that nobody waits for then.
  void erase_request(const std::string& name, const std::string& peer, const Id& stage);
  void erase_peer(const std::string& peer);
  void clear();

  /// A name whose owner has not answered in time. It stays open until close().
  std::optional<std::string> poll_unanswered(Time now);
  Time poll_timeout() const { return deadlines_.empty() ? never : deadlines_.front().at; }

 private:
  struct Challenge {
    std::uint64_t number = 0;
    std::string owner;
    std::vector<RegisterRequest> requests;
  };
  struct Deadline {
    Time at;
    std::uint64_t number = 0;
    std::string name;
  };

  Duration answer_within_;
  std::size_t requests_per_name_;
  std::uint64_t last_number_ = 0;
  std::map<std::string, Challenge> open_;
  std::deque<Deadline> deadlines_;  // in order; of closed challenges too
};

}  // namespace galena::names
