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
  static_assert(detail::check_relay_handler<H>());

 public:
  ProducerConsumer(Node& node, H handler, ProducerConsumerOptions options)
      : ProducerConsumer(node, std::make_shared<H>(std::move(handler)), std::move(options), detail::Role{}) {}
  /// A temporary Node is gone before the first event.
  ProducerConsumer(Node&& node, H handler, ProducerConsumerOptions options)
      : ProducerConsumer(node, std::move(handler), std::move(options)) {
    static_assert(detail::never_true<H>, "give the Node a variable: a temporary one cannot be run or stopped");
  }

  /// Blocks until the handler has failed, and rethrows what it threw; or until it threw Enough.
  void wait() { static_cast<void>(stage_.wait(never)); }
  /// The same, no longer than `until`. Returns whether it has ended: false when `until` is over.
  [[nodiscard]] bool wait(const Until& until) { return stage_.wait(until); }
  /// Takes nothing more, and ends the calls that wait.
  void close() { stage_.close(); }
  /// Ends its subscriptions, so that drain() can come to an end.
  void stop_input() { stage_.stop_input(); }
  /// See Producer.
  [[nodiscard]] bool drain(const Until& until) { return stage_.drain(until); }
  [[nodiscard]] bool wait_for_subscribers(std::size_t count, const Until& until) {
    return stage_.wait_for_subscribers(count, until);
  }

  ConsumerStats consumer_stats() const { return stage_.consumer_stats(); }
  ProducerStats producer_stats() const { return stage_.producer_stats(); }
  /// The handler. Its calls run on the stage's thread: look at it when they have ended, for example after the
  /// producers' drain(), or at what may be looked at meanwhile.
  detail::Unwrapped<H>& handler() { return detail::unwrap(*handler_); }
  Id stage_id() const { return stage_.id(); }
  const Name& name() const { return stage_.name(); }

 private:
  ProducerConsumer(Node& node, std::shared_ptr<H> handler, ProducerConsumerOptions options, detail::Role)
      : handler_(handler.get()), stage_(node, spec(std::move(handler), std::move(options))) {}

  static detail::Stage::Spec spec(std::shared_ptr<H> handler, ProducerConsumerOptions options) {
    detail::Stage::Spec spec;
    spec.role = detail::Role::producer_consumer;
    spec.calls.handler = std::move(handler);
    spec.calls.on_produce = detail::relay_with<H>;
    detail::take_calls_without_input<H>(spec.calls);
    spec.calls.passes_all = std::is_same_v<H, PassThrough>;
    spec.options = std::move(options);
    return spec;
  }

  H* handler_;  // the stage's
  detail::Stage stage_;
};

}  // namespace galena
