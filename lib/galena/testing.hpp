// SPDX-License-Identifier: Apache-2.0
// For unit tests of handlers, without a Node and a network. See examples/handler_test.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "galena/event.hpp"
#include "galena/event_view.hpp"
#include "galena/export.hpp"
#include "galena/id.hpp"

namespace galena {

/// Where a TestEvent says that it comes from: see EventView.
struct TestOrigin {
  std::string producer = "producer";
  Id stream = {};
  std::optional<std::uint64_t> position = {};
  bool repeated = false;
};

/// An event as a subscription would bring it: its view() has an origin, which an Event's has not.
class TestEvent final : private EventOrigin {
 public:
  template <class M>
  TestEvent(std::string topic, M&& message, TestOrigin origin = {})
      : event_(std::move(topic), std::forward<M>(message)), origin_(std::move(origin)) {}

  /// Valid while this TestEvent lives.
  EventView view() const {
    EventView view = event_.view();
    view.repeated = origin_.repeated;
    view.origin = this;
    return view;
  }

 private:
  std::string_view producer() const override { return origin_.producer; }
  Id stream() const override { return origin_.stream; }
  std::optional<std::uint64_t> position() const override { return origin_.position; }

  Event event_;
  TestOrigin origin_;
};

}  // namespace galena
