// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <utility>

#include "galena/detail/ingest.hpp"
#include "galena/export.hpp"

namespace galena {

/// For a Producer without a handler: ingest(topic, message) takes events as they are.
struct NoHandler {};

/// Publishes events. What ingest() is given goes through the handler's handle_produce, which says the topic and the
/// message, to every consumer that has selected the topic. (Galena's Producer.)
///
/// ingest() may be called from any thread: handle_produce runs on the caller's, one call at a time, and its exceptions
/// reach the caller. Events of one thread keep their order.
template <class H = NoHandler>
class Producer {
  static_assert(detail::check_producer_handler<H>());

 public:
  /// Starts it, and registers a global name. Throws Error: name_taken, unreachable, system.
  Producer(Node& node, H handler, ProducerOptions options = {})
      : Producer(node, std::make_shared<H>(std::move(handler)), std::move(options), detail::Role::producer) {}
  explicit Producer(Node& node, ProducerOptions options = {}) requires std::is_same_v<H, NoHandler>
      : Producer(node, std::make_shared<H>(), std::move(options), detail::Role::producer) {}
  /// A temporary Node is gone before the first event.
  Producer(Node&& node, H handler, ProducerOptions options = {})
      : Producer(node, std::move(handler), std::move(options)) {
    static_assert(detail::never_true<H>, "give the Node a variable: a temporary one cannot be run or stopped");
  }
  explicit Producer(Node&& node, ProducerOptions options = {}) requires std::is_same_v<H, NoHandler>
      : Producer(node, std::move(options)) {
    static_assert(detail::never_true<H>, "give the Node a variable: a temporary one cannot be run or stopped");
  }

  /// Takes the input: handle_produce(input...), or (topic, message) without a handler. Waits while a subscriber that
  /// selects the event has filled its share of the buffer (when_full = wait). Throws Error: invalid, for an event
  /// larger than a quarter of the buffer, for a handler that ingests into its own producer, and instead of waiting in a
  /// handler on a thread that stages share (NodeOptions.threads); stopped, if close() or Node::stop() ended the wait:
  /// then what did not fit was not taken.
  template <class... In>
  void ingest(In&&... in) {
    (void)offer(never, nullptr, std::forward<In>(in)...);
  }
  /// False instead of waiting for room: then nothing was taken, of several events neither (but the handler has run).
  template <class... In>
  [[nodiscard]] bool try_ingest(In&&... in) {
    return offer(detail::at_once, nullptr, std::forward<In>(in)...);
  }
  /// Waits no longer than `until` (a timeout, a std::stop_token, or both). False if that was not enough: then nothing
  /// was taken, of several events neither.
  template <class... In>
  [[nodiscard]] bool ingest_within(const Until& until, In&&... in) {
    return offer(until.deadline(), &until.stop(), std::forward<In>(in)...);
  }
  /// Takes nothing in any more, and ends the calls that wait: ingest() throws Error (stopped), drain() returns false.
  void close() { stage_.close(); }

  /// Blocks until somebody has subscribed and everything ingested has been acknowledged by all who selected it. True if
  /// nothing was lost with a subscriber that died meanwhile.
  bool drain() { return stage_.drain(never); }
  /// False also if `until` was over first.
  [[nodiscard]] bool drain(const Until& until) { return stage_.drain(until); }
  /// Blocks until `count` subscriptions stand. False if `until` was over first.
  [[nodiscard]] bool wait_for_subscribers(std::size_t count, const Until& until) {
    return stage_.wait_for_subscribers(count, until);
  }
  /// How many consumers were already waiting for the global name when this producer registered it.
  std::uint32_t waiting() const { return stage_.waiting(); }

  ProducerStats stats() const { return stage_.producer_stats(); }
  /// The handler. Its calls run on the threads that ingest: look at it while none does.
  detail::Unwrapped<H>& handler() { return detail::unwrap(*handler_); }
  Id stage_id() const { return stage_.id(); }
  const Name& name() const { return stage_.name(); }

 private:
  Producer(Node& node, std::shared_ptr<H> handler, ProducerOptions options, detail::Role)
      : handler_(handler.get()), stage_(node, spec(std::move(handler), std::move(options))) {}

  template <class... In>
  bool offer(Time deadline, const std::stop_token* stop, In&&... in) {
    if constexpr (std::is_same_v<H, NoHandler>) {
      static_assert(sizeof...(In) == 2, "a producer without a handler ingests (topic, message)");
      return stage_.put(detail::view_of(std::forward<In>(in)...), deadline, stop);
    } else {
      detail::Ingest ingest(stage_, deadline, stop);
      detail::produce(*handler_, ingest, std::forward<In>(in)...);
      return ingest.finish();
    }
  }

  static detail::Stage::Spec spec(std::shared_ptr<H> handler, ProducerOptions options) {
    detail::Stage::Spec spec;
    spec.role = detail::Role::producer;
    spec.calls.handler = std::move(handler);
    if constexpr (!std::is_same_v<H, NoHandler>) spec.calls.on_produce = detail::produce_with<H>;
    detail::take_calls_without_input<H>(spec.calls);
    spec.options.name = std::exchange(options.name, {});
    spec.options.publish = std::move(options);
    return spec;
  }

  H* handler_;  // the stage's
  detail::Stage stage_;
};

Producer(Node&)->Producer<NoHandler>;
Producer(Node&, ProducerOptions)->Producer<NoHandler>;

}  // namespace galena
