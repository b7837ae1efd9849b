// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "env.hpp"

namespace galena::sim {

/// One life of a stage. Destroying it is a crash.
class Process {
 public:
  explicit Process(std::size_t stage, std::uint32_t life) : stage_(stage), life_(life) {}
  virtual ~Process() = default;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  /// It has its turn: one thing or a few. False if there was nothing to do.
  virtual bool step() = 0;
  /// It goes on purpose, after a fashion that is its own. False if it does not want to, now.
  virtual bool leave() { return false; }
  /// It is over, by itself.
  virtual bool is_over() const { return false; }
  /// Nothing is left to do for it.
  virtual bool at_rest() const = 0;
  /// What there still is, for people.
  virtual std::string state() const = 0;
  virtual Publisher* publisher() { return nullptr; }

  std::size_t stage() const { return stage_; }
  std::uint32_t life() const { return life_; }

  Time paused_until;

 private:
  std::size_t stage_;
  std::uint32_t life_;
};

}  // namespace galena::sim
