// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>

#include "galena/detail/message.hpp"
#include "galena/export.hpp"
#include "galena/name.hpp"
#include "galena/options.hpp"
#include "galena/until.hpp"
#include "galena/verdict.hpp"

namespace galena {

class Node;

namespace detail {

class Remote;

/// What RemoteProducers share, whatever they send.
class GALENA_API RemoteStream {
 public:
  /// The number of an event that was handed over, counted from 1.
  using Ticket = std::uint64_t;

  using Answer = RemoteAnswer;
  using Counts = RemoteCounts;

  /// Blocks until it is known what became of the event, or for options.timeout: then it is pending still. Answers other
  /// than `accepted` are kept for the last 100,000 runs of events that were not; of older ones the answer is `unknown`.
  [[nodiscard]] Answer answer(Ticket ticket) { return answer(ticket, options_.timeout); }
  [[nodiscard]] Answer answer(Ticket ticket, const Until& until);
  /// Takes the event back. False if it has been sent, or answered.
  [[nodiscard]] bool withdraw(Ticket ticket);
  /// Blocks until everything is answered. True if all of it was accepted or withdrawn.
  [[nodiscard]] bool drain(const Until& until);
  /// Takes nothing in any more, and ends the calls that wait: ingest() throws Error (stopped), drain() returns false.
  void close();
  Counts counts() const;

  RemoteStream(RemoteStream&&) noexcept;
  RemoteStream& operator=(RemoteStream&&) noexcept;

 protected:
  RemoteStream(Node& node, Name producer, bool values, RemoteProducerOptions options);
  ~RemoteStream();
  Ticket send(const EventView& event);

 private:
  RemoteProducerOptions options_;
  std::unique_ptr<Remote> remote_;
};

}  // namespace detail

/// Hands events to a producer that runs elsewhere, many at a time: Node::ingest() for streams. RemoteProducer<> sends
/// (topic, message) to a producer without a handler; RemoteProducer<V> sends values to one whose handle_produce takes
/// them. All members from any thread; none of them from a handler of the same Node's own thread.
///
/// A producer that is not there yet is waited for; one that goes away is looked for again. What was not sent by then
/// goes to the next of that name; what was sent and not answered is `unknown`. The destructor waits for what is left
/// (options.drain), and logs what was not accepted.
template <class V = void>
class GALENA_API RemoteProducer : public detail::RemoteStream {
 public:
  explicit RemoteProducer(Node& node, Name producer, RemoteProducerOptions options = {})
      : RemoteStream(node, std::move(producer), !std::is_void_v<V>, std::move(options)) {}

  /// Queues an event, and waits while the queue is full. Throws Error, and then the event was not taken: invalid, if it
  /// is too large; timeout, or unreachable if nobody of the name was found; stopped.
  template <class M>
  Ticket ingest(std::string_view topic, const M& message) requires std::is_void_v<V> {
    return send(detail::view_of(topic, message));
  }
  template <class W = V>
  Ticket ingest(const W& value) requires(!std::is_void_v<V> && std::is_convertible_v<const W&, V>) {
    return send(detail::view_of({}, static_cast<const V&>(value)));
  }
};

RemoteProducer(Node&, Name)->RemoteProducer<>;
RemoteProducer(Node&, Name, RemoteProducerOptions)->RemoteProducer<>;

}  // namespace galena
