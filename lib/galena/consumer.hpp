// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <utility>

#include "galena/detail/stage.hpp"
#include "galena/export.hpp"

namespace galena {

/// Receives the events it selects. Its handler's handle_consume(topic, message) runs on the consumer's own thread, one
/// event at a time, in the order of each producer; the views it is given are valid until it returns. If it throws, the
/// consumer stops, and wait() and Node::run() rethrow. (Galena's Consumer.) A handler that takes the EventView sees
/// whether the event may be a repetition.
///
/// A producer that is not there yet is waited for; one that goes away is looked for again.
template <class H>
class Consumer {
  static_assert(detail::ConsumerHandler<H>,
                "a consumer's handler needs handle_consume(topic, message), handle_consume(topic, message, const "
                "EventView&) or handle_consume(const EventView&)");

 public:
  Consumer(Node& node, H handler, ConsumerOptions options)
      : stage_(node, spec(std::make_shared<H>(std::move(handler)), std::move(options))) {}

  /// Blocks until the handler has failed, and rethrows what it threw; or until it threw Enough.
  void wait() { stage_.wait(); }
  /// Takes nothing more, and ends the calls that wait.
  void close() { stage_.close(); }
  ConsumerStats stats() const { return stage_.consumer_stats(); }
  Id stage_id() const { return stage_.id(); }
  const Name& name() const { return stage_.name(); }

 private:
  static detail::Stage::Spec spec(std::shared_ptr<H> handler, ConsumerOptions options) {
    detail::Stage::Spec spec;
    spec.role = detail::Role::consumer;
    spec.handler = std::move(handler);
    spec.on_consume = detail::consume_with<H>;
    spec.options.name = std::move(options.name);
    spec.options.subscriptions = std::move(options.subscriptions);
    spec.options.on_mismatch = options.on_mismatch;
    spec.options.identity = std::move(options.identity);
    spec.positions = std::move(options.positions);
    spec.options.on_state = std::move(options.on_state);
    spec.options.on_gap = std::move(options.on_gap);
    spec.on_idle = std::move(options.on_idle);
    return spec;
  }

  detail::Stage stage_;
};

}  // namespace galena
