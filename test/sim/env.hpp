// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "books.hpp"
#include "galena/time.hpp"
#include "random.hpp"
#include "tamper.hpp"
#include "trace.hpp"

namespace galena::sim {

class Publisher;
class Subscriber;
struct Wire;

/// What everybody in a simulated world shares, and may ask of it.
class Env {
 public:
  Env(std::uint64_t seed, Fault fault) : random(seed), tamper(fault), plan(make_plan(random)), books(plan) {}
  virtual ~Env() = default;
  Env(const Env&) = delete;
  Env& operator=(const Env&) = delete;

  /// Whoever has the stage's name now; none while nobody has.
  virtual Publisher* find(std::size_t stage) = 0;
  virtual Wire& connect(Subscriber& from, Publisher& to) = 0;

  Random random;
  Tamper tamper;
  const Plan plan;
  Books books;
  Trace trace;
  Time now = Time{} + std::chrono::hours(1);
  bool quiet = false;  ///< the faults are over
};

}  // namespace galena::sim
