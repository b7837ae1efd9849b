// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "galena/detail/handler.hpp"
#include "galena/node.hpp"
#include "galena/options.hpp"
#include "galena/sink.hpp"

namespace galena::detail {

enum class Role : std::uint8_t { producer, producer_consumer, consumer };

/// What Producer, Consumer and ProducerConsumer share, without their handlers' types: a thread with a reactor, a name,
/// a publishing side, subscriptions. Construction starts it; destruction drains, stops and joins it.
class Stage {
 public:
  struct Spec {
    Role role = Role::consumer;
    void* handler = nullptr;
    /// Consumers and producer-consumers: an event has come. On the stage's thread.
    Taken (*on_event)(void* handler, const EventView& event, Sink* out) = nullptr;
    /// Producers with a handler: a value was ingested from elsewhere. On the stage's thread, under the producer's
    /// mutex.
    Taken (*on_value)(void* handler, const EventView& value, Sink* out) = nullptr;
    ProducerConsumerOptions options = {};
    bool passes_all = false;  ///< on_event passes every event on as it is
    std::shared_ptr<PositionStore> positions = {};
    std::function<void()> on_idle = {};
  };

  Stage(Node& node, Spec spec);
  ~Stage();
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  Id id() const;
  const Name& name() const;
  /// How many consumers were waiting for the name when it was registered.
  std::uint32_t waiting() const;

  /// REQUIRES: it is not a consumer.
  Intake& intake() { return *intake_; }
  ProducerStats producer_stats() const;
  ConsumerStats consumer_stats() const;
  void stop_input();
  bool drain(std::optional<Time> deadline);
  bool wait_for_subscribers(std::size_t count, std::optional<Time> deadline);
  /// False if the deadline has passed.
  bool wait(std::optional<Time> deadline);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
  Intake* intake_;
};

inline std::optional<Time> deadline_in(Duration timeout) { return Clock::now() + timeout; }

}  // namespace galena::detail
