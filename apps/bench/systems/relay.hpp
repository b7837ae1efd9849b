// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>
#include <string>
#include <string_view>

#include "run/gate.hpp"
#include "run/meter.hpp"

namespace galena::bench {

/// Watches what passes through a relay: when the first event came, and whether the last one has.
class RelayWatch {
 public:
  /// Returns true if this was the last event.
  bool record(std::string_view message) {
    std::uint64_t word = 0;
    if (message.size() >= sizeof word) std::memcpy(&word, message.data(), sizeof word);
    if (word == 0) cpu_first_ = cpu_seconds();
    const bool is_last = (word & last_event) != 0;
    if (is_last) last_.arrive();
    return is_last;
  }
  bool wait_for_last(Duration timeout) { return last_.wait_for(timeout); }
  /// What its process spent until now.
  Report report() const {
    Report report;
    report.cpu_seconds = report.relay_cpu_seconds = cpu_seconds() - cpu_first_;
    return report;
  }

 private:
  Gate last_{1};
  double cpu_first_ = 0;
};

/// What transforming relays do: change every byte behind the topic and behind the word and time of the message.
inline void transform_message(std::string_view message, std::size_t topic_bytes, std::string& changed) {
  changed.assign(message);
  for (std::size_t i = topic_bytes + 2 * sizeof(std::uint64_t); i < changed.size(); ++i) {
    changed[i] = static_cast<char>(changed[i] ^ ' ');
  }
}

}  // namespace galena::bench
