// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "galena/names/message.hpp"

namespace galena::names {

/// A node's questions for all names, whose answers come page by page.
class Listings {
 public:
  using Done = std::function<void(std::optional<std::vector<Entry>>)>;
  using Call = std::function<void()>;

  /// `calls` takes what is to be called soon: `done`, with all names, or with nothing after the deadline.
  explicit Listings(std::deque<Call>& calls) : calls_(calls) {}

  void add(std::uint64_t request, Time deadline, Done done) { open_[request] = {deadline, std::move(done), {}, never}; }
  /// A page has come. Returns the name behind which the next page of the same request begins, if there is one.
  std::optional<std::string> handle_page(Message& page);
  /// The service does not answer a request now: it is asked again soon.
  void handle_refused(std::uint64_t request, Time now);
  /// A request to send again, and the name behind which its next page begins.
  struct Again {
    std::uint64_t request;
    std::string after;
  };
  std::optional<Again> poll_again(Time now);
  /// The service is gone: the pages of the next one begin anew.
  void handle_disconnected();
  void handle_timeout(Time now);
  Time poll_timeout() const;

  /// Those that are not answered yet.
  std::vector<std::uint64_t> requests() const;

 private:
  struct Listing {
    Time deadline;
    Done done;
    std::vector<Entry> entries;
    Time again = never;
  };

  std::deque<Call>& calls_;
  std::map<std::uint64_t, Listing> open_;  // by request
};

}  // namespace galena::names
