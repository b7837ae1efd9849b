// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <galena/galena.hpp>

namespace galena::cli {

/// Counts events by producer and topic. Thread: any.
class TopicCounts {
 public:
  /// The events of all further topics are counted together.
  static constexpr std::size_t most_topics = 10'000;

  struct Row {
    std::string producer;
    std::string topic;
    bool is_rest = false;  ///< of all further topics
    std::uint64_t events = 0;
    std::uint64_t bytes = 0;  ///< of the messages
    double rate = 0;          ///< events per second since the last look
  };

  void add(const EventView& event);
  /// By producer and topic.
  std::vector<Row> look(Time now);

 private:
  struct Count {
    std::uint64_t events = 0;
    std::uint64_t bytes = 0;
    std::uint64_t events_before = 0;  // at the last look
  };
  static Row row(std::string producer, std::string topic, Count& count, double seconds);

  std::mutex mutex_;
  std::map<std::string, std::map<std::string, Count, std::less<>>, std::less<>> counts_;
  std::size_t topics_ = 0;
  Count rest_;
  Time looked_ = Clock::now();
};

}  // namespace galena::cli
