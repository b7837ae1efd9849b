// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "galena/core/selection.hpp"

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
    for (const TopicPattern& pattern : selection.patterns()) {
      (pattern.is_prefix ? prefixes_[pattern.text.size()][pattern.text] : exact_[pattern.text]).push_back(taker);
    }
    ++takers_;
    forget();
  }

  void remove(const Selection& selection, Taker* taker) {
    for (const TopicPattern& pattern : selection.patterns()) {
      auto& map = pattern.is_prefix ? prefixes_[pattern.text.size()] : exact_;
      const auto it = map.find(pattern.text);
      if (it == map.end()) continue;
      std::erase(it->second, taker);
      if (it->second.empty()) map.erase(it);
      if (pattern.is_prefix && map.empty()) prefixes_.erase(pattern.text.size());
    }
    --takers_;
    forget();
  }

  /// Each taker once, in no particular order. Valid until the next call of any member.
  const Takers& find(std::string_view topic) {
    if (last_ != nullptr && topic == last_topic_) return *last_;
    auto it = found_.find(topic);
    if (it == found_.end()) {
      Takers takers = search(topic);
      const std::size_t bytes = entry_bytes + topic.size() + takers.size() * sizeof(Taker*);
      if (remembered_bytes_ + bytes > max_remembered_bytes) forget();
      remembered_bytes_ += bytes;
      it = found_.emplace(std::string(topic), std::move(takers)).first;
    }
    last_topic_ = it->first;
    last_ = &it->second;
    return *last_;
  }

 private:
  static constexpr std::size_t entry_bytes = 96;  // what a map's entry takes, about

  void forget() {
    found_.clear();
    remembered_bytes_ = 0;
    last_ = nullptr;
  }

  Takers search(std::string_view topic) const {
    Takers takers;
    const auto add_all = [&takers](const TopicMap<Takers>& map, std::string_view key) {
      if (const auto it = map.find(key); it != map.end()) {
        takers.insert(takers.end(), it->second.begin(), it->second.end());
      }
    };
    add_all(exact_, topic);
    for (const auto& [length, map] : prefixes_) {
      if (length > topic.size()) break;
      add_all(map, topic.substr(0, length));
    }
    std::sort(takers.begin(), takers.end());
    takers.erase(std::unique(takers.begin(), takers.end()), takers.end());
    return takers;
  }

  std::size_t takers_ = 0;
  TopicMap<Takers> exact_;
  std::map<std::size_t, TopicMap<Takers>> prefixes_;  // by length
  TopicMap<Takers> found_;
  std::size_t remembered_bytes_ = 0;  // of found_
  std::string_view last_topic_;
  const Takers* last_ = nullptr;
};

}  // namespace galena::core
