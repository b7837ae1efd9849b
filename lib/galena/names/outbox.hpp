// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>

#include "galena/names/message.hpp"

namespace galena::names {

/// What a name service has to say, in order. A "peer" is the driver's name for a connection; it may be any string.
class Outbox {
 public:
  struct Out {
    std::string peer;
    bool delimited = false;
    std::string bytes;
  };

  void send(const std::string& peer, const Message& message, bool delimited = false) {
    send(peer, encode(message), delimited);
  }
  void send(const std::string& peer, std::string bytes, bool delimited = false) {
    output_.push_back({peer, delimited, std::move(bytes)});
  }
  /// Answers that what was asked for is not given, and counts it.
  void refuse(const std::string& peer, bool delimited, std::uint64_t request, const std::string& reason);

  std::optional<Out> poll();
  std::uint64_t refused() const { return refused_; }

 private:
  std::deque<Out> output_;
  std::uint64_t refused_ = 0;
};

}  // namespace galena::names
