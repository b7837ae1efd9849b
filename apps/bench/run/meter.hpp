// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "galena/time.hpp"
#include "plan/task.hpp"

namespace galena::bench {

/// The first word of every message is its source and its number from 0. This bit is set in the last message of a source
/// (in the last one for each consumer, if the topics are divided).
inline constexpr std::uint64_t last_event = std::uint64_t{1} << 63;
inline constexpr int source_shift = 56;
inline constexpr std::size_t most_sources = 4;
/// The source of the events of the slow topic.
inline constexpr std::uint64_t slow_source = 1;

/// User and system time of this process so far.
double cpu_seconds();
inline std::uint64_t nanoseconds_of(Time time) { return static_cast<std::uint64_t>(time.time_since_epoch().count()); }
inline std::uint64_t nanoseconds_now() { return nanoseconds_of(Clock::now()); }

/// Writes the beginning of a message: its word and, unless it is 0, the time when it was due.
inline void stamp(char* message, std::uint64_t word, std::uint64_t time) {
  std::memcpy(message, &word, sizeof word);
  if (time != 0) std::memcpy(message + sizeof word, &time, sizeof time);
}

/// Checks that one consumer receives exactly the events it selected, in order from each source, and measures their rate
/// and latency.
class Meter {
 public:
  /// `consumer` is its number among all consumers of the run.
  Meter(const Task& task, std::uint64_t consumer);

  /// Records an event. Returns false if it was the last one, or not the expected one: see problem().
  bool take(std::string_view message) {
    if (message.size() != bytes_) return fail("its length is wrong");
    std::uint64_t word = 0;
    std::memcpy(&word, message.data(), sizeof word);
    std::uint64_t time = 0;
    if (timed_) std::memcpy(&time, message.data() + sizeof word, sizeof time);
    return take(word, time);
  }
  bool take(std::uint64_t word, std::uint64_t time) {
    Source& source = sources_[word >> source_shift & (most_sources - 1)];
    if (timed_) latencies_.push_back(nanoseconds_now() - time);
    if (word != source.expected && !take_special(source, word)) return false;
    source.expected += step_;
    return true;
  }

  bool complete() const { return !failed_ && ended_ == wanted_; }
  std::string problem() const;

  /// The sum over all consumers of this process.
  static Report report(const std::vector<std::unique_ptr<Meter>>& meters);

 private:
  static constexpr std::uint64_t nothing = ~std::uint64_t{0};
  struct Source {
    std::uint64_t expected = nothing;  ///< the next word; nothing before the first event and after the last
    std::uint64_t first = 0;
    bool awaited = false;
    bool ended = false;
    std::uint64_t end = 0;
  };

  bool take_special(Source& source, std::uint64_t word);
  bool fail(std::string why);
  std::uint64_t count() const;

  std::uint64_t bytes_;
  std::uint64_t step_;
  bool timed_;
  bool counts_;  ///< towards the rate
  std::array<Source, most_sources> sources_;
  std::size_t wanted_ = 0;
  std::size_t begun_ = 0;
  std::size_t ended_ = 0;
  bool failed_ = false;
  std::string why_;

  // From when all sources had begun to when the first one ended.
  Time from_;
  Time to_;
  std::uint64_t count_from_ = 0;
  std::uint64_t count_to_ = 0;
  Time first_;
  Time last_;
  double cpu_first_ = 0;
  double cpu_last_ = 0;
  std::vector<std::uint64_t> latencies_;
};

}  // namespace galena::bench
