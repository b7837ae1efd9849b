// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace galena::cli {

/// What is measured: Galena, or a yardstick.
enum class System : std::uint8_t {
  galena,  ///< through the public API
  raw,     ///< libzmq PUSH/PULL, one event a message
  tcp,     ///< a plain connection, records packed into 64 KiB writes: about what the machine can do
};
inline constexpr System all_systems[] = {System::galena, System::raw, System::tcp};
std::string to_string(System system);

/// One half of a measurement, as the process that does it is told on its command line.
struct BenchTask {
  System system = System::galena;
  bool sends = false;
  std::string peer = {};     ///< where the other half is: a domain, or an endpoint
  std::uint64_t bytes = 64;  ///< of each message, at least 16
  double seconds = 1;        ///< that it sends for
  std::uint64_t rate = 0;    ///< events a second, to measure their latency; 0: as many as possible
  std::uint64_t window = 0;  ///< of Galena's subscription, in bytes; 0: its default
  bool selects = false;      ///< the subscription names the topic, instead of taking everything
};

std::vector<std::string> to_words(const BenchTask& task);
/// Throws Error (invalid).
BenchTask task_from(const std::vector<std::string>& words);

/// What a receiver found, or a sender (events and cpu_seconds only).
struct BenchReport {
  std::uint64_t events = 0;
  double seconds = 0;      ///< from the first event to the last
  double cpu_seconds = 0;  ///< of this process in that time
  double p50_us = 0;
  double p99_us = 0;
  double p999_us = 0;
};

std::string to_line(const BenchReport& report);
/// Throws Error (invalid).
BenchReport report_from(const std::string& line);

}  // namespace galena::cli
