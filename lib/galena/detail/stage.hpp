// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "galena/detail/handler_calls.hpp"
#include "galena/detail/handler_lock.hpp"
#include "galena/export.hpp"
#include "galena/node.hpp"
#include "galena/options.hpp"
#include "galena/stats.hpp"
#include "galena/until.hpp"

namespace galena::detail {

class OutletDriver;

enum class Role : std::uint8_t { producer, producer_consumer, consumer };

/// A deadline that has passed: the call does not wait.
inline constexpr Time at_once = Time::min();

/// What Producer, Consumer and ProducerConsumer share, without their handlers' types: a thread with a reactor, a name,
/// a publishing side, subscriptions. Construction starts it; destruction drains, stops and joins it. Moving it moves
/// nothing that runs.
class GALENA_API Stage {
 public:
  struct Spec {
    Role role = Role::consumer;
    HandlerCalls calls = {};
    ProducerConsumerOptions options = {};
  };

  Stage(Node& node, Spec spec);
  ~Stage();
  Stage(Stage&&) noexcept;
  Stage& operator=(Stage&&) noexcept;

  Id id() const;
  const Name& name() const;
  /// How many consumers were waiting for the name when it was registered.
  std::uint32_t waiting() const;

  /// Publishes the event, and waits for room until `deadline` (`never` is for ever) or `stop`. False if one of them
  /// ended the wait: then the event was not taken. Throws Error: invalid, stopped. Any thread. REQUIRES: it is not a
  /// consumer.
  bool put(const EventView& event, Time deadline, const std::stop_token* stop = nullptr);
  /// The same for several. With a deadline or a stop all of them are taken, or none.
  bool put(std::span<const EventView> events, Time deadline, const std::stop_token* stop = nullptr);
  /// Held while the handler of a producer runs.
  HandlerLock& handler_lock() { return *handler_lock_; }
  /// Under that lock: what the handler emits.
  Sink& handler_sink();

  ProducerStats producer_stats() const;
  ConsumerStats consumer_stats() const;
  void stop_input();
  bool drain(const Until& until);
  bool wait_for_subscribers(std::size_t count, const Until& until);
  /// False if `until` is over.
  bool wait(const Until& until);
  void close();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
  OutletDriver* driver_;
  HandlerLock* handler_lock_;
};

}  // namespace galena::detail
