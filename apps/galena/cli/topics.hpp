// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <galena/galena.hpp>

/// How people write topics and producers on the command line. All of these throw UsageError.
namespace galena::cli {

/// `cpu/0` is this topic, `cpu/*` is every topic that starts with `cpu/`, `\*` is a real star.
Topic parse_topic(std::string_view text);

/// If it looks like a wildcard of another system (`cpu/+`, `a.*.b`, `a.>`, `#`), and is not one here: a sentence that
/// says so.
std::optional<std::string> wildcard_hint(std::string_view text);

/// `NAME[,NAME...]`: producers by global name, each once.
std::vector<std::string> parse_names(std::string_view text);

/// Of one producer, what `--from PRODUCER[:TOPIC,...]` selects.
struct From {
  std::string producer;
  std::vector<Topic> topics;  ///< none: everything
};
From parse_from(std::string_view text);

/// One subscription for each producer: two for the same one would deliver twice what both select.
std::vector<Subscription> subscriptions_to(const std::vector<From>& all);

}  // namespace galena::cli
