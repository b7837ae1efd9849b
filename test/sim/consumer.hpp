// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "process.hpp"
#include "subscriber.hpp"

namespace galena::sim {

class Consumer : public Process, public Taker {
 public:
  /// What survives a crash, for each subscription.
  using Stores = std::vector<std::optional<core::Standing>>;

  Consumer(Env& env, std::size_t stage, std::uint32_t life, std::uint32_t actor, Stores& stores);
  ~Consumer() override;

  bool step() override;
  /// With an identity it says that it will be back, without one that it will not: as the stage layer does.
  bool leave() override;
  bool is_over() const override;
  bool at_rest() const override;
  std::string state() const override;

 private:
  bool take(Subscriber& from, const EventView& event) override;
  Publisher* publisher() override { return nullptr; }

  Env& env_;
  std::vector<std::unique_ptr<Subscriber>> subscribers_;
};

}  // namespace galena::sim
