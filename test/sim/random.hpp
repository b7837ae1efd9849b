// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>

#include "galena/id.hpp"
#include "galena/time.hpp"

namespace galena::sim {

/// SplitMix64: the standard's distributions differ from library to library, and a seed must mean the same everywhere.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15U + 1) {}

  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }
  std::uint64_t between(std::uint64_t least, std::uint64_t most) { return least + below(most - least + 1); }
  bool percent(unsigned chance) { return below(100) < chance; }
  template <class T>
  T pick(std::initializer_list<T> values) {
    return *(values.begin() + below(values.size()));
  }
  Duration micros(std::uint64_t least, std::uint64_t most) {
    return std::chrono::microseconds(static_cast<std::int64_t>(between(least, most)));
  }
  Id id() {
    Id id;
    for (auto& byte : id.bytes) byte = static_cast<std::uint8_t>(next());
    id.bytes[0] |= 1;  // not none
    return id;
  }

 private:
  std::uint64_t state_;
};

}  // namespace galena::sim
