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

  /// Publishes the event, and waits for room until `deadline`; `never` is for ever. False if it passed: then the event
  /// was not taken. Throws Error: invalid, stopped. Any thread. REQUIRES: it is not a consumer.
  bool put(const EventView& event, Time deadline);
  /// The same for several. With a deadline other than `never` all of them are taken, or none.
  bool put(std::span<const EventView> events, Time deadline);
  /// Held while the handler of a producer runs.
  HandlerLock& handler_lock() { return *handler_lock_; }
  /// Under that lock: what the handler emits.
  Sink& handler_sink();

  ProducerStats producer_stats() const;
  ConsumerStats consumer_stats() const;
  void stop_input();
  bool drain(Time deadline);
  bool wait_for_subscribers(std::size_t count, Time deadline);
  /// False if the deadline has passed.
  bool wait(Time deadline);
  void close();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
  OutletDriver* driver_;
  HandlerLock* handler_lock_;
};

}  // namespace galena::detail
