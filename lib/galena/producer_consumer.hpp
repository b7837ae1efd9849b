// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include "galena/detail/stage.hpp"
#include "galena/export.hpp"

namespace galena {

/// A producer-consumer's handler that passes every event on as it is. While its consumers take everything, whole
/// batches go out from where they came in: no event is copied.
struct PassThrough {
  EventView handle_produce(const EventView& event) const { return event; }
};

/// Receives events, and publishes what its handler's handle_produce(topic, message) makes of each: none, one or many.
/// It takes input only while its own buffer has room, so pressure reaches the source through any number of them.
/// (Galena's ProducerConsumer, which is one for one.)
template <class H>
class ProducerConsumer {
  static_assert(
      detail::RelayHandler<H>,
      "a producer-consumer's handler needs handle_produce(topic, message) or handle_produce(const EventView&), "
      "returning events or taking a Sink& as its last parameter");

 public:
  ProducerConsumer(Node& node, H handler, ProducerConsumerOptions options)
      : stage_(node, spec(std::make_shared<H>(std::move(handler)), std::move(options))) {}

  /// Blocks until the handler has failed, and rethrows what it threw; or until it threw Enough.
  void wait() { stage_.wait(); }
  /// Takes nothing more, and ends the calls that wait.
  void close() { stage_.close(); }
  /// Ends its subscriptions, so that drain() can come to an end.
  void stop_input() { stage_.stop_input(); }
  /// See Producer.
  bool drain(Duration timeout) { return stage_.drain(detail::deadline_in(timeout)); }
  bool wait_for_subscribers(std::size_t count, Duration timeout) {
    return stage_.wait_for_subscribers(count, detail::deadline_in(timeout));
  }

  ConsumerStats consumer_stats() const { return stage_.consumer_stats(); }
  ProducerStats producer_stats() const { return stage_.producer_stats(); }
  Id stage_id() const { return stage_.id(); }
  const Name& name() const { return stage_.name(); }

 private:
  static detail::Stage::Spec spec(std::shared_ptr<H> handler, ProducerConsumerOptions options) {
    detail::Stage::Spec spec;
    spec.role = detail::Role::producer_consumer;
    spec.handler = std::move(handler);
    spec.on_produce = detail::relay_with<H>;
    spec.passes_all = std::is_same_v<H, PassThrough>;
    spec.options = std::move(options);
    return spec;
  }

  detail::Stage stage_;
};

}  // namespace galena
