// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "galena/node.hpp"

namespace galena {

/// Hands events to a producer that runs elsewhere, many at a time: Node::ingest() for streams. Any thread.
class RemoteProducer {
 public:
  /// The number of an event that was handed over, counted from 1.
  using Ticket = std::uint64_t;

  /// `values`: for a producer with a handler, whose handle_produce takes what ingest(value) sends.
  RemoteProducer(Node& node, Name producer, bool values = false);
  ~RemoteProducer();
  RemoteProducer(const RemoteProducer&) = delete;
  RemoteProducer& operator=(const RemoteProducer&) = delete;

  /// Queues an event; waits while too much is on its way. Throws Error: timeout.
  template <class M>
  Ticket ingest(std::string_view topic, const M& message, Duration timeout = std::chrono::seconds(10)) {
    std::string scratch;
    return send(detail::encode_message(topic, message, scratch), Clock::now() + timeout);
  }
  template <class V>
  Ticket ingest(const V& value, Duration timeout = std::chrono::seconds(10)) {
    std::string scratch;
    return send(detail::encode_message({}, value, scratch), Clock::now() + timeout);
  }
  Ticket send(const EventView& event, Time deadline);

  /// Blocks until the producer has answered for this event and all before it. Throws Error: refused (this event, with
  /// the reason), unreachable (the link broke first: it may have been accepted or not), timeout.
  void wait(Ticket ticket, Time deadline);

  struct Counts {
    std::uint64_t sent = 0;
    std::uint64_t accepted = 0;
    std::uint64_t refused = 0;
    std::uint64_t unanswered = 0;  ///< the link broke before the answer
    std::string last_refusal = {};
  };
  Counts counts() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace galena
