// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "galena/time.hpp"

namespace galena::sim {

/// What has happened: a hash of all of it, and the last steps to be read by people. Text is made only when asked for.
class Trace {
 public:
  static constexpr std::size_t kept = 2048;

  /// `what` must be a literal. The names of actors are given once, with actor().
  void note(Time now, std::uint32_t actor, const char* what, std::uint64_t a = 0, std::uint64_t b = 0) {
    mix(static_cast<std::uint64_t>(now.time_since_epoch().count()));
    mix(actor);
    for (const char* at = what; *at != 0; ++at) mix(static_cast<unsigned char>(*at));
    mix(a);
    mix(b);
    steps_[next_++ % kept] = {now, actor, what, a, b};
  }
  void note_bytes(std::string_view bytes) {
    for (const char byte : bytes) mix(static_cast<unsigned char>(byte));
  }

  std::uint32_t actor(std::string name) {
    actors_.push_back(std::move(name));
    return static_cast<std::uint32_t>(actors_.size() - 1);
  }
  std::uint64_t hash() const { return hash_; }
  std::vector<std::string> last(std::size_t count) const;

 private:
  struct Step {
    Time when;
    std::uint32_t actor = 0;
    const char* what = "";
    std::uint64_t a = 0;
    std::uint64_t b = 0;
  };

  void mix(std::uint64_t value) { hash_ = (hash_ ^ value) * 0x100000001b3U + (hash_ >> 47); }

  std::array<Step, kept> steps_{};
  std::size_t next_ = 0;
  std::uint64_t hash_ = 0xcbf29ce484222325U;
  std::vector<std::string> actors_;
};

}  // namespace galena::sim
