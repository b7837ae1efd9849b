// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include "galena/detail/stage.hpp"

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
  static_assert(detail::ProducerHandler<H>, "a producer's handler is a struct with handle_produce(input), or a lambda");

 public:
  /// Starts it, and registers a global name. Throws Error: name_taken, unreachable, system.
  Producer(Node& node, H handler, ProducerOptions options = {})
      : handler_(std::move(handler)), stage_(node, spec(std::move(options))) {}
  explicit Producer(Node& node, ProducerOptions options = {}) requires std::is_same_v<H, NoHandler>
      : stage_(node, spec(std::move(options))) {}

  /// Takes the input: handle_produce(input...), or (topic, message) without a handler. Waits while a subscriber that
  /// selects the event has filled its share of the buffer (when_full = wait). Throws Error (invalid) for an event
  /// larger than a quarter of the buffer, and instead of waiting in a handler on a thread that stages share
  /// (NodeOptions.threads).
  template <class... In>
  void ingest(In&&... in) {
    detail::SinkUser user(stage_.intake());
    produce_into(user.sink(), std::forward<In>(in)...);
    user.finish();
  }
  /// False instead of waiting: then nothing was taken (but the handler has run).
  template <class... In>
  bool try_ingest(In&&... in) {
    detail::SinkUser user(stage_.intake());
    produce_into(user.sink(), std::forward<In>(in)...);
    return user.try_finish();
  }
  /// Waits for at most `timeout`. False if that was not enough.
  template <class... In>
  bool ingest_within(Duration timeout, In&&... in) {
    detail::SinkUser user(stage_.intake());
    produce_into(user.sink(), std::forward<In>(in)...);
    return user.finish(Clock::now() + timeout);
  }

  /// Blocks until somebody has subscribed and everything ingested has been acknowledged by all who selected it. True if
  /// nothing was lost with a subscriber that died meanwhile.
  bool drain() { return stage_.drain(std::nullopt); }
  /// False also if `timeout` passed first.
  bool drain(Duration timeout) { return stage_.drain(detail::deadline_in(timeout)); }
  /// Blocks until `count` subscriptions stand. False if `timeout` passed first.
  bool wait_for_subscribers(std::size_t count, Duration timeout) {
    return stage_.wait_for_subscribers(count, detail::deadline_in(timeout));
  }
  /// How many consumers were already waiting for the global name when this producer registered it.
  std::uint32_t waiting() const { return stage_.waiting(); }

  ProducerStats stats() const { return stage_.producer_stats(); }
  Id stage_id() const { return stage_.id(); }
  const Name& name() const { return stage_.name(); }

 private:
  template <class... In>
  void produce_into(Sink& sink, In&&... in) {
    if constexpr (std::is_same_v<H, NoHandler>) {
      static_assert(sizeof...(In) == 2, "a producer without a handler ingests (topic, message)");
      sink.emit(std::forward<In>(in)...);
    } else {
      detail::produce(handler_, sink, std::forward<In>(in)...);
    }
  }

  detail::Stage::Spec spec(ProducerOptions options) {
    detail::Stage::Spec spec;
    spec.role = detail::Role::producer;
    spec.handler = &handler_;
    if constexpr (!std::is_same_v<H, NoHandler>) spec.on_value = detail::produce_with<H>;
    spec.options.name = std::move(options.name);
    spec.options.buffer_bytes = options.buffer_bytes;
    spec.options.buffer_events = options.buffer_events;
    spec.options.when_full = options.when_full;
    spec.options.hold = options.hold;
    spec.options.expect = std::move(options.expect);
    spec.options.retain_bytes = options.retain_bytes;
    spec.options.drain = options.drain;
    spec.options.register_within = options.register_within;
    spec.options.on_name_lost = std::move(options.on_name_lost);
    return spec;
  }

  [[no_unique_address]] H handler_;
  detail::Stage stage_;
};

Producer(Node&)->Producer<NoHandler>;
Producer(Node&, ProducerOptions)->Producer<NoHandler>;

}  // namespace galena
