// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "process.hpp"
#include "publisher.hpp"
#include "subscriber.hpp"

namespace galena::sim {

/// Publishes what it makes of what it gets, and acknowledges it when its own subscribers have.
class Relay : public Process, public Taker {
 public:
  Relay(Env& env, std::size_t stage, std::uint32_t life, std::uint32_t actor);

  bool step() override;
  /// Another has taken up its identity: it stops, as the stage layer does.
  bool is_over() const override;
  bool at_rest() const override;
  std::string state() const override;
  Publisher* publisher() override { return &publisher_; }

 private:
  struct Output {
    std::uint8_t topic = 0;
    Content content = {};
    core::Provenance from = {};
  };

  bool take(Subscriber& from, const EventView& event) override;
  bool flush();
  void settle();

  Env& env_;
  Makes makes_;
  Publisher publisher_;
  std::deque<Output> stash_;       // made, and without room yet
  Subscriber* blocked_ = nullptr;  // whose event it was made of
  std::vector<std::unique_ptr<Subscriber>> subscribers_;
};

}  // namespace galena::sim
