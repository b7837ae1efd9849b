// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace galena::core {

/// memcmp() for topics, which are short: no call for those of 8 to 16 bytes.
inline bool same_bytes(std::string_view one, std::string_view other) {
  const std::size_t size = one.size();
  if (size != other.size()) return false;
  if (size < 8 || size > 16) return size == 0 || std::memcmp(one.data(), other.data(), size) == 0;
  std::uint64_t words[4];
  std::memcpy(&words[0], one.data(), 8);
  std::memcpy(&words[1], other.data(), 8);
  std::memcpy(&words[2], one.data() + size - 8, 8);
  std::memcpy(&words[3], other.data() + size - 8, 8);
  return words[0] == words[1] && words[2] == words[3];
}

/// What was found out about topics, until it is forgotten. For producers whose events are of another topic each time: a
/// look-up touches two lines of memory and divides nothing, which std::unordered_map does.
template <class Value>
class TopicMemory {
 public:
  struct Entry {
    std::string topic;
    Value value;
  };

  TopicMemory() = default;
  TopicMemory(const TopicMemory&) = delete;
  TopicMemory& operator=(const TopicMemory&) = delete;

  /// Null if it is not known. Valid until clear().
  Entry* find(std::string_view topic) {
    if (slots_.empty()) return nullptr;
    const std::uint64_t hash = hash_of(topic);
    for (std::size_t at = hash & mask_; slots_[at].entry != nullptr; at = (at + 1) & mask_) {
      if (slots_[at].hash == hash && same_bytes(slots_[at].entry->topic, topic)) return slots_[at].entry;
    }
    return nullptr;
  }
  /// REQUIRES: it is not known.
  Entry* add(std::string_view topic, Value value) {
    if (entries_.size() * 2 >= slots_.size()) grow();
    Entry& entry = entries_.emplace_back(Entry{std::string(topic), std::move(value)});
    put({hash_of(topic), &entry});
    return &entry;
  }
  void clear() {
    entries_.clear();
    slots_.clear();
    mask_ = 0;
  }

 private:
  struct Slot {
    std::uint64_t hash = 0;
    Entry* entry = nullptr;
  };

  std::uint64_t hash_of(std::string_view topic) const {
    __extension__ using Product = unsigned __int128;
    // Where this lies in memory: nobody outside can tell which topics collide.
    const std::uint64_t secret = reinterpret_cast<std::uintptr_t>(this) * 0x9e3779b97f4a7c15;
    std::uint64_t hash = secret ^ topic.size();
    const auto mix = [&](std::uint64_t word) {
      const Product product = Product{hash ^ word} * (secret | 1);
      hash = static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
    };
    const char* at = topic.data();
    std::size_t left = topic.size();
    for (std::uint64_t word = 0; left >= sizeof word; at += sizeof word, left -= sizeof word) {
      std::memcpy(&word, at, sizeof word);
      mix(word);
    }
    std::uint64_t rest = 0;
    for (; left > 0; --left) rest = rest << 8 | static_cast<std::uint8_t>(*at++);
    mix(rest);
    return hash;
  }

  void put(const Slot& slot) {
    std::size_t at = slot.hash & mask_;
    while (slots_[at].entry != nullptr) at = (at + 1) & mask_;
    slots_[at] = slot;
  }
  void grow() {
    const std::vector<Slot> before =
        std::exchange(slots_, std::vector<Slot>(std::max<std::size_t>(64, slots_.size() * 2)));
    mask_ = slots_.size() - 1;
    for (const Slot& slot : before) {
      if (slot.entry != nullptr) put(slot);
    }
  }

  std::vector<Slot> slots_;  // half of them are free at least
  std::size_t mask_ = 0;
  std::deque<Entry> entries_;
};

}  // namespace galena::core
