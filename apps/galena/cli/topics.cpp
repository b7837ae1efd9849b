// SPDX-License-Identifier: Apache-2.0
#include "cli/topics.hpp"

#include <algorithm>

#include "cli/escape.hpp"
#include "cli/exit_code.hpp"

namespace galena::cli {

namespace {

std::string parse_name(std::string_view text, std::string_view whole) {
  if (text.empty()) throw UsageError("'" + std::string(whole) + "': a producer's name is missing");
  return unescaped(text);
}

}  // namespace

Topic parse_topic(std::string_view text) {
  if (ends_in(text, '*')) return prefix(unescaped(text.substr(0, text.size() - 1)));
  return Topic(unescaped(text));
}

std::optional<std::string> wildcard_hint(std::string_view text) {
  const std::string_view start = ends_in(text, '*') ? text.substr(0, text.size() - 1) : text;
  bool found = split(start, '*').size() > 1;  // a star that no backslash stands before
  std::string_view level = text;
  for (std::size_t at = 0; at != std::string_view::npos; level.remove_prefix(std::min(at + 1, level.size()))) {
    at = level.find_first_of("/.");
    const std::string_view one = level.substr(0, at);
    found = found || one == "+" || one == "#" || one == ">";
    if (at == std::string_view::npos) break;
  }
  if (!found) return std::nullopt;
  return "the topic '" + std::string(text) +
         "' is taken literally: only a star at the end of a topic stands for others, and for any rest (`cpu/*`)";
}

std::vector<std::string> parse_names(std::string_view text) {
  std::vector<std::string> names;
  for (std::string_view part : split(text, ',')) {
    std::string name = parse_name(part, text);
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
  }
  return names;
}

From parse_from(std::string_view text) {
  const auto parts = split_once(text, ':');
  From from{.producer = parse_name(parts[0], text), .topics = {}};
  if (parts.size() == 2) {
    for (std::string_view topic : split(parts[1], ',')) {
      if (topic.empty()) throw UsageError("'" + std::string(text) + "': a topic is missing");
      from.topics.push_back(parse_topic(topic));
    }
  }
  return from;
}

std::vector<Subscription> subscriptions_to(const std::vector<From>& all) {
  std::vector<From> merged;
  for (const From& from : all) {
    auto same =
        std::find_if(merged.begin(), merged.end(), [&](const From& other) { return other.producer == from.producer; });
    if (same == merged.end()) {
      merged.push_back(from);
    } else if (from.topics.empty() || same->topics.empty()) {
      same->topics.clear();
    } else {
      same->topics.insert(same->topics.end(), from.topics.begin(), from.topics.end());
    }
  }
  std::vector<Subscription> subscriptions;
  for (const From& from : merged)
    subscriptions.push_back({.producer = global(from.producer), .topics = Selection(from.topics)});
  return subscriptions;
}

}  // namespace galena::cli
