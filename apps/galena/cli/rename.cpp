// SPDX-License-Identifier: Apache-2.0
#include "cli/rename.hpp"

#include "cli/escape.hpp"
#include "cli/exit_code.hpp"
#include "cli/topics.hpp"

namespace galena::cli {

RenameRule parse_rename(std::string_view text) {
  const auto parts = split_once(text, '=');
  if (parts.size() != 2) throw UsageError("'" + std::string(text) + "' is not OLD=NEW");
  const Topic from = parse_topic(parts[0]);
  const Topic to = parse_topic(parts[1]);
  if (from.is_prefix != to.is_prefix) {
    throw UsageError("'" + std::string(text) + "': both sides end in a star, or none (\\* is a real star)");
  }
  return {from, to.text};
}

std::string_view Renamer::operator()(std::string_view topic) {
  for (const RenameRule& rule : rules_) {
    if (!rule.from.matches(topic)) continue;
    if (!rule.from.is_prefix) return rule.to;
    scratch_.assign(rule.to).append(topic.substr(rule.from.text.size()));
    return scratch_;
  }
  return topic;
}

}  // namespace galena::cli
