// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "bench_task.hpp"
#include "galena/base/time.hpp"

namespace galena::cli {

/// The topic of every event: 10 bytes.
inline constexpr std::string_view bench_topic = "bench/0001";

/// The first word of every message is its number, from 0; this bit is set in the last one's.
inline constexpr std::uint64_t last_event = std::uint64_t{1} << 63;

/// User and system time of this process so far.
double cpu_seconds();
inline std::uint64_t nanoseconds_now() { return static_cast<std::uint64_t>(Clock::now().time_since_epoch().count()); }

/// Writes what every message begins with: its number, and when it was sent if that matters.
inline void stamp(char* message, std::uint64_t word, bool with_time) {
  std::memcpy(message, &word, sizeof word);
  if (with_time) {
    const std::uint64_t now = nanoseconds_now();
    std::memcpy(message + sizeof word, &now, sizeof now);
  }
}

/// Calls emit(word) for each event: as fast as it returns, or at the task's rate. Returns how many.
template <class Emit>
std::uint64_t send_events(const BenchTask& task, Emit&& emit) {
  const Time start = Clock::now();
  const Time end = start + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(task.seconds));
  std::uint64_t number = 0;
  if (task.rate > 0) {
    const Duration step = std::chrono::nanoseconds(1'000'000'000 / task.rate);
    for (Time due = start; due < end; due += step) {
      std::this_thread::sleep_until(due);
      emit(number++);
    }
  } else {
    // The clock is asked once for about 64 KiB of messages.
    const std::uint64_t stride = task.bytes >= 65536 ? 1 : 65536 / task.bytes;
    while (Clock::now() < end) {
      for (std::uint64_t i = 0; i < stride; ++i) emit(number++);
    }
  }
  emit(number | last_event);
  return number + 1;
}

/// Counts and times what arrives, and checks that nothing is missing, repeated or out of order.
class Meter {
 public:
  explicit Meter(const BenchTask& task) : task_(task) {}

  /// False when it was the last one, or when it was not the one expected: see problem().
  bool take(std::string_view message) {
    if (message.size() != task_.bytes) return fail(next_);
    std::uint64_t word = 0;
    std::memcpy(&word, message.data(), sizeof word);
    if (next_ == 0) begin();
    if (task_.rate > 0) note_latency(message);
    if (word != next_) return word == (next_ | last_event) ? finish() : fail(word & ~last_event);
    ++next_;
    return true;
  }

  bool complete() const { return complete_; }
  std::string problem() const;
  BenchReport report() const;

 private:
  void begin();
  bool finish();
  bool fail(std::uint64_t got);
  void note_latency(std::string_view message) {
    std::uint64_t sent = 0;
    std::memcpy(&sent, message.data() + sizeof sent, sizeof sent);
    latencies_.push_back(nanoseconds_now() - sent);
  }

  BenchTask task_;
  std::uint64_t next_ = 0;
  std::uint64_t got_ = 0;
  bool complete_ = false;
  bool failed_ = false;
  Time first_;
  Time last_;
  double cpu_ = 0;
  std::vector<std::uint64_t> latencies_;
};

}  // namespace galena::cli
