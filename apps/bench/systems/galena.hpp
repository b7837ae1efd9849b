// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include <galena/galena.hpp>
#include <galena/msgpack.hpp>

#include "plan/task.hpp"

namespace galena::bench {

/// What the typed workload sends.
struct Measurement {
  std::uint64_t word = 0;
  std::uint64_t time = 0;
  std::string sensor;
  double celsius = 0;
  double humidity = 0;
  MSGPACK_DEFINE(word, time, sensor, celsius, humidity)
};
/// About what one packs to.
inline constexpr std::uint64_t measurement_bytes = 38;

inline constexpr const char* relay_name = "bench-relay";
/// The first producer, by way of the proxy.
inline constexpr const char* far_name = "bench-far";
inline std::string producer_name(std::uint64_t index) { return "bench-" + std::to_string(index); }

}  // namespace galena::bench
