// SPDX-License-Identifier: Apache-2.0
#include "accounts/accounts.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/escape.hpp"

namespace galena::cli {

namespace {

std::string who(const LinkInfo& link) {
  const std::string name = link.consumer.empty() ? "a consumer without a name" : escaped(link.consumer);
  return link.identity.empty() ? name : name + " as '" + escaped(link.identity) + "'";
}

/// What is kept for it, sent or not.
std::uint64_t held_for(const LinkInfo& link) { return link.sent - link.acknowledged + link.held(); }

}  // namespace

std::string waiting_text(const std::string& name, const ProducerStats& stats) {
  constexpr std::size_t named = 3;
  std::vector<const LinkInfo*> behind;
  for (const LinkInfo& link : stats.subscribers) {
    if (held_for(link) > 0) behind.push_back(&link);
  }
  std::sort(behind.begin(), behind.end(),
            [](const LinkInfo* a, const LinkInfo* b) { return held_for(*a) > held_for(*b); });
  if (behind.empty()) {
    return fmt::format("'{}' waits for a subscriber: {} not taken by anybody yet", name,
                       stats.outstanding == 1 ? "1 event is" : fmt::format("{} events are", stats.outstanding));
  }
  std::vector<std::string> texts;
  for (const LinkInfo* link : behind) {
    if (texts.size() == named) break;
    texts.push_back(fmt::format("{}{}, for which it holds {} ({} in flight)", who(*link),
                                link->away ? " (its connection is broken)" : "", counted(held_for(*link), "event"),
                                link->sent - link->acknowledged));
  }
  const std::size_t others = behind.size() - texts.size();
  return fmt::format("'{}' waits for {}{}", name, joined(texts, "; "),
                     others > 0 ? fmt::format("; and for {} more", others) : "");
}

std::string account_text(const LinkInfo& link) {
  return fmt::format("{}: selected {} = acknowledged {} + in flight {} + held {} + dropped {}{}{}", who(link),
                     link.selected, link.acknowledged, link.sent - link.acknowledged, link.held(), link.dropped,
                     link.lost > 0 ? fmt::format("; {} before that were not kept for it", link.lost) : "",
                     link.away ? " (away)" : "");
}

void say_accounts(const std::string& name, const ProducerStats& stats) {
  for (const LinkInfo& link : stats.subscribers) say(fmt::format("{}: {}", name, account_text(link)));
  for (const auto& [what, count] : stats.drops) {
    say(fmt::format("{}: dropped {} of topic '{}': {}", name, count, escaped(what.first), what.second));
  }
}

bool say_untaken(const std::string& name, const ProducerStats& stats) {
  if (stats.outstanding > 0) say("'" + name + "' stopped; " + counted(stats.outstanding, "event") + " nobody took");
  std::uint64_t left = 0;
  for (const auto& [what, count] : stats.drops) {
    if (what.second == "cancelled") left += count;
  }
  const std::uint64_t lost = stats.dropped - left;
  if (left > 0) say("'" + name + "': subscribers that left had not handled " + counted(left, "event"));
  if (lost > 0) {
    say("'" + name + "' dropped " + counted(lost, "event") +
        ", which did not reach every subscriber that selected them");
  }
  return stats.outstanding + lost > 0;
}

Json json_of_stats(const ProducerStats& stats) {
  Json object = {{"ingested", stats.ingested},
                 {"outstanding", stats.outstanding},
                 {"oldest_ms", in_milliseconds(stats.oldest)},
                 {"dropped", stats.dropped},
                 {"refused", stats.refused},
                 {"malformed", stats.malformed},
                 {"wrong_version", stats.wrong_version},
                 {"buffered_bytes", stats.buffered_bytes},
                 {"subscriptions", Json::array()},
                 {"drops", Json::array()}};
  for (const LinkInfo& link : stats.subscribers) {
    Json account;
    add_bytes(account, "consumer", link.consumer);
    add_bytes(account, "address", link.address);
    add_bytes(account, "identity", link.identity);
    account.update({{"selected", link.selected},
                    {"acknowledged", link.acknowledged},
                    {"in_flight", link.sent - link.acknowledged},
                    {"held", link.held()},
                    {"dropped", link.dropped},
                    {"lost", link.lost},
                    {"away", link.away}});
    object["subscriptions"].push_back(std::move(account));
  }
  for (const auto& [what, count] : stats.drops) {
    Json drop;
    add_bytes(drop, "topic", what.first);
    add_bytes(drop, "reason", what.second);
    drop["count"] = count;
    object["drops"].push_back(std::move(drop));
  }
  return object;
}

void append_rows(std::string& out, const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::vector<std::string>> cells = rows;
  std::vector<std::size_t> widths(rows.front().size());
  for (auto& row : cells) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      row[i] = printable(row[i]);
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  for (const auto& row : cells) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i) {
      out.append(row[i]).append(widths[i] - row[i].size() + 2, ' ');
    }
    out.append(row.back()).push_back('\n');
  }
}

std::vector<std::string> account_header() {
  return {"NAME", "SELECTED", "ACKNOWLEDGED", "IN-FLIGHT", "HELD", "DROPPED", "LOST", "STATE", "SUBSCRIBER"};
}

void append_account_rows(std::vector<std::vector<std::string>>& rows, const std::string& name,
                         const ProducerStats& stats) {
  for (const LinkInfo& link : stats.subscribers) {
    rows.push_back({escaped(name), std::to_string(link.selected), std::to_string(link.acknowledged),
                    std::to_string(link.sent - link.acknowledged), std::to_string(link.held()),
                    std::to_string(link.dropped), std::to_string(link.lost), link.away ? "away" : "connected",
                    who(link)});
  }
}

}  // namespace galena::cli
