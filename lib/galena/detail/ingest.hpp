// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "galena/detail/output.hpp"
#include "galena/detail/stage.hpp"
#include "galena/event.hpp"
#include "galena/export.hpp"

namespace galena::detail {

/// One call of ingest() on a producer with a handler. While the handler runs its lock is held, and no other; what it
/// made is put in one step behind that. What finds no room waits after the lock was given back.
class GALENA_API Ingest final : public Output {
 public:
  Ingest(Stage& stage, Time deadline, const std::stop_token* stop) : stage_(stage), deadline_(deadline), stop_(stop) {
    stage_.handler_lock().lock();
  }
  ~Ingest() {
    if (holds_) stage_.handler_lock().unlock();
  }

  Sink& sink() override {
    Sink& sink = stage_.handler_sink();
    sink.clear();
    return sink;
  }
  void put(const EventView& event) override {
    if (!stage_.put(event, at_once)) [[unlikely]] {
      left_.emplace_back(event);
    }
  }
  void put(std::span<const EventView> events) override;

  /// The handler has returned. False if what it made was not taken before the deadline or the stop.
  bool finish() {
    holds_ = false;
    stage_.handler_lock().unlock();
    return left_.empty() || finish_later();
  }

 private:
  bool finish_later();

  Stage& stage_;
  const Time deadline_;
  const std::stop_token* const stop_;  // null: none
  bool holds_ = true;
  std::vector<Event> left_;  // found no room
};

}  // namespace galena::detail
