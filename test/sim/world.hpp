// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "consumer.hpp"
#include "env.hpp"
#include "process.hpp"
#include "wire.hpp"

namespace galena::sim {

/// Stages, the wires between them, and what befalls them: everything in one thread, under a schedule that a seed
/// decides.
class World : public Env {
 public:
  World(std::uint64_t seed, Fault fault);
  ~World() override;

  /// `steps` with mishaps, then as many without as it takes to come to rest. Throws a Complaint.
  void run(std::uint64_t steps);

  std::uint64_t steps() const { return steps_; }
  std::uint64_t hash() const { return trace.hash(); }
  std::uint64_t events() const;
  std::vector<std::string> last_steps() const { return trace.last(Trace::kept); }
  std::string describe() const;

 private:
  /// Who has the name of a stage, one life after the other.
  struct Place {
    std::uint32_t actor = 0;
    std::uint32_t lives = 0;
    Time begins = {};
    Consumer::Stores stores = {};
    std::vector<std::unique_ptr<Process>> processes = {};  ///< the last is the one that is found
  };

  Publisher* find(std::size_t stage) override;
  Wire& connect(Subscriber& from, Publisher& to) override;

  bool step();
  bool deliver();
  void tend_wires();
  void tend_processes();
  void begin(std::size_t stage);
  void mishap();
  void break_wire();
  void crash(Place& place);
  bool at_rest();
  std::string restless();

  std::vector<Place> places_;
  std::map<std::uint32_t, std::unique_ptr<Wire>> wires_;
  std::uint32_t next_wire_ = 0;
  std::uint64_t steps_ = 0;
  std::uint32_t actor_ = 0;
};

/// What came of one seed.
struct Outcome {
  std::optional<Complaint> complaint = {};
  std::uint64_t hash = 0;
  std::uint64_t steps = 0;
  std::uint64_t events = 0;
  std::vector<std::string> last_steps = {};
  std::string plan = {};
};

inline constexpr std::uint64_t default_steps = 1500;

Outcome simulate(std::uint64_t seed, std::uint64_t steps = default_steps, Fault fault = Fault::none);

}  // namespace galena::sim
