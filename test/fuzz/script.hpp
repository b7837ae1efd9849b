// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "galena/id.hpp"
#include "galena/time.hpp"

namespace galena::fuzz {

/// The bytes of the fuzzer, read front to back as a course of steps. Behind its end it has zeros and empty texts.
/// Every part stands where it is used, so that a change of one step leaves the steps before it as they are.
class Script {
 public:
  explicit Script(std::string_view bytes) : rest_(bytes) {}

  bool at_end() const { return rest_.empty(); }

  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const auto value = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }
  bool flag() { return (byte() & 1U) != 0; }
  /// A number below `end`, which is at most 256.
  std::size_t below(std::size_t end) { return byte() % end; }

  /// Mostly small; some are wide, and some next to the largest.
  std::uint64_t number() {
    const std::uint8_t first = byte();
    if (first < 0xc0) return first;
    if (first >= 0xf0) return std::numeric_limits<std::uint64_t>::max() - (first & 0x0fU);
    std::uint64_t value = 0;
    for (int width = 1 << (first & 3U); width > 0; --width) value = value << 8U | byte();
    return value;
  }
  std::uint32_t number32() { return static_cast<std::uint32_t>(number()); }
  Duration duration() { return std::chrono::milliseconds(std::min<std::uint64_t>(number(), 48ULL * 3600 * 1000)); }

  /// One of few: so some of them meet.
  Id id() {
    Id id;
    id.bytes.fill(static_cast<std::uint8_t>(below(6)));
    return id;
  }

  /// Its length is a byte, then it follows.
  std::string_view text() { return take(byte()); }
  /// Its length is two bytes. In memory of exactly this size, so that AddressSanitizer sees a look behind its end.
  std::vector<char> frame() {
    const std::size_t high = byte();
    const std::string_view bytes = take(high << 8U | byte());
    return {bytes.begin(), bytes.end()};
  }

 private:
  std::string_view take(std::size_t size) {
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(taken.size());
    return taken;
  }

  std::string_view rest_;
};

inline std::string_view view(const std::vector<char>& bytes) { return {bytes.data(), bytes.size()}; }

/// The bytes in memory of exactly their size.
inline std::vector<char> exact(std::string_view bytes) { return {bytes.begin(), bytes.end()}; }

/// Sets, leaves out, repeats or cuts off some bytes of what was a good frame.
inline std::vector<char> damaged(std::string frame, Script& script) {
  for (std::size_t changes = script.below(4); changes > 0 && !frame.empty(); --changes) {
    const std::size_t place = (script.byte() * std::size_t{256} + script.byte()) % frame.size();
    switch (script.below(4)) {
      case 0:
        frame[place] = static_cast<char>(script.byte());
        break;
      case 1:
        frame.erase(place, 1 + script.below(8));
        break;
      case 2:
        frame.insert(place, frame.substr(place / 2, 8));
        break;
      default:
        frame.resize(place);
    }
  }
  return exact(frame);
}

}  // namespace galena::fuzz
