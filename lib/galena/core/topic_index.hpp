// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "galena/core/topic_memory.hpp"
#include "galena/selection.hpp"

namespace galena::core {

struct BytesHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view bytes) const { return std::hash<std::string_view>{}(bytes); }
};

template <class Value>
using TopicMap = std::unordered_map<std::string, Value, BytesHash, std::equal_to<>>;

/// From a topic to the takers (views) whose selections match it. An exact entry costs one look-up; prefixes cost one
/// more for each distinct length of prefix. What was found is remembered per topic, within a bound.
template <class Taker>
class TopicIndex {
 public:
  using Takers = std::vector<Taker*>;
  /// Of topics and of what they were found to match.
  static constexpr std::size_t max_remembered_bytes = 8 << 20;

  bool empty() const { return takers_ == 0; }
  std::size_t remembered_bytes() const { return remembered_bytes_; }

  /// REQUIRES: the selection is not of everything, and stays what it is until remove().
  void add(const Selection& selection, Taker* taker) {
    const Entry entry{added_++, taker};
    for (const Topic& pattern : selection.patterns()) {
      (pattern.is_prefix ? prefixes_[pattern.text.size()][pattern.text] : exact_[pattern.text]).push_back(entry);
    }
    ++takers_;
    forget();
  }

  void remove(const Selection& selection, Taker* taker) {
    for (const Topic& pattern : selection.patterns()) {
      auto& map = pattern.is_prefix ? prefixes_[pattern.text.size()] : exact_;
      const auto it = map.find(pattern.text);
      if (it == map.end()) continue;
      std::erase_if(it->second, [&](const Entry& entry) { return entry.taker == taker; });
      if (it->second.empty()) map.erase(it);
      if (pattern.is_prefix && map.empty()) prefixes_.erase(pattern.text.size());
    }
    --takers_;
    forget();
  }

  /// The only taker of the topic that was looked up last, if it has just one.
  Taker* last_only() const { return last_ == nullptr ? nullptr : last_->only; }
  /// find() would have the answer it gave last.
  bool is_last(std::string_view topic) const {
    return takers_ == 0 || (last_ != nullptr && same_bytes(topic, last_topic_));
  }

  /// Each taker once, in the order in which they were added. Valid until the next call of any member.
  const Takers& find(std::string_view topic) {
    if (last_ != nullptr && same_bytes(topic, last_topic_)) return last_->takers;
    auto* found = found_.find(topic);
    if (found == nullptr) {
      Takers takers = search(topic);
      const std::size_t bytes = entry_bytes + topic.size() + takers.size() * sizeof(Taker*);
      if (remembered_bytes_ + bytes > max_remembered_bytes) forget();
      remembered_bytes_ += bytes;
      Taker* const only = takers.size() == 1 ? takers.front() : nullptr;
      found = found_.add(topic, {std::move(takers), only});
    }
    last_topic_ = found->topic;
    last_ = &found->value;
    return last_->takers;
  }

 private:
  struct Entry {
    std::uint64_t number = 0;
    Taker* taker = nullptr;
  };
  using Entries = std::vector<Entry>;
  struct Found {
    Takers takers;
    Taker* only;  // of them, if there is just one: here, where the next event of the topic finds it at once
  };

  static constexpr std::size_t entry_bytes = 180;  // what an entry takes, about

  void forget() {
    found_.clear();
    remembered_bytes_ = 0;
    last_ = nullptr;
  }

  Takers search(std::string_view topic) const {
    Entries found;
    const auto add_all = [&found](const TopicMap<Entries>& map, std::string_view key) {
      if (const auto it = map.find(key); it != map.end()) {
        found.insert(found.end(), it->second.begin(), it->second.end());
      }
    };
    add_all(exact_, topic);
    for (const auto& [length, map] : prefixes_) {
      if (length > topic.size()) break;
      add_all(map, topic.substr(0, length));
    }
    // Not by where they are in memory: the same course of events is to lead to the same frames.
    std::sort(found.begin(), found.end(), [](const Entry& a, const Entry& b) { return a.number < b.number; });
    Takers takers;
    for (const Entry& entry : found) {
      if (takers.empty() || takers.back() != entry.taker) takers.push_back(entry.taker);
    }
    return takers;
  }

  std::size_t takers_ = 0;
  std::uint64_t added_ = 0;
  TopicMap<Entries> exact_;
  std::map<std::size_t, TopicMap<Entries>> prefixes_;  // by length
  TopicMemory<Found> found_;
  std::size_t remembered_bytes_ = 0;  // of found_
  std::string_view last_topic_;
  const Found* last_ = nullptr;
};

}  // namespace galena::core
