// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>

#include "galena/names/message.hpp"

namespace galena::names {

/// What a node has to say to its name service, in order.
class Questions {
 public:
  /// One that is answered: it has a number, which the answer repeats.
  Message make(Verb verb) {
    Message message;
    message.verb = verb;
    message.request = ++last_;
    return message;
  }
  void send(const Message& message) { output_.push_back(encode(message)); }

  std::optional<std::string> poll() {
    if (output_.empty()) return std::nullopt;
    std::string bytes = std::move(output_.front());
    output_.pop_front();
    return bytes;
  }
  /// The service is gone: what was for it alone is not said to the next one.
  void clear() { output_.clear(); }

 private:
  std::deque<std::string> output_;
  std::uint64_t last_ = 0;
};

}  // namespace galena::names
