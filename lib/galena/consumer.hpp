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
  static_assert(detail::check_consumer_handler<H>());

 public:
  Consumer(Node& node, H handler, ConsumerOptions options)
      : Consumer(node, std::make_shared<H>(std::move(handler)), std::move(options), detail::Role{}) {}
  /// A temporary Node is gone before the first event.
  Consumer(Node&& node, H handler, ConsumerOptions options) : Consumer(node, std::move(handler), std::move(options)) {
    static_assert(detail::never_true<H>, "give the Node a variable: a temporary one cannot be run or stopped");
  }

  /// Blocks until the handler has failed, and rethrows what it threw; or until it threw Enough.
  void wait() { static_cast<void>(stage_.wait(never)); }
  /// The same, no longer than `until`. Returns whether it has ended: false when `until` is over.
  [[nodiscard]] bool wait(const Until& until) { return stage_.wait(until); }
  /// Takes nothing more, and ends the calls that wait.
  void close() { stage_.close(); }
  ConsumerStats stats() const { return stage_.consumer_stats(); }
  /// The handler. Its calls run on the stage's thread: look at it when they have ended, for example after the
  /// producers' drain(), or at what may be looked at meanwhile.
  detail::Unwrapped<H>& handler() { return detail::unwrap(*handler_); }
  Id stage_id() const { return stage_.id(); }
  const Name& name() const { return stage_.name(); }

 private:
  Consumer(Node& node, std::shared_ptr<H> handler, ConsumerOptions options, detail::Role)
      : handler_(handler.get()), stage_(node, spec(std::move(handler), std::move(options))) {}

  static detail::Stage::Spec spec(std::shared_ptr<H> handler, ConsumerOptions options) {
    detail::Stage::Spec spec;
    spec.role = detail::Role::consumer;
    spec.calls.handler = std::move(handler);
    spec.calls.on_consume = detail::consume_with<H>;
    spec.options.name = std::exchange(options.name, {});
    spec.options.subscriptions = std::exchange(options.subscriptions, {});
    spec.options.subscribe = std::move(options);
    return spec;
  }

  H* handler_;  // the stage's
  detail::Stage stage_;
};

}  // namespace galena
