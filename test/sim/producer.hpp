// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "process.hpp"
#include "publisher.hpp"

namespace galena::sim {

class Producer : public Process {
 public:
  Producer(Env& env, std::size_t stage, std::uint32_t life, std::uint32_t actor);

  bool step() override;
  /// Drains, or ends at once.
  bool leave() override;
  bool is_over() const override { return over_; }
  bool at_rest() const override;
  std::string state() const override;
  Publisher* publisher() override { return &publisher_; }

 private:
  bool produce();

  Env& env_;
  Publisher publisher_;
  unsigned eagerness_;        // how many events at once
  unsigned last_words_ = 10;  // events after the faults are over
  bool draining_ = false;
  Time drain_until_;
  bool over_ = false;
};

}  // namespace galena::sim
