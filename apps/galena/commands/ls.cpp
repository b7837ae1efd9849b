// SPDX-License-Identifier: Apache-2.0
#include "commands/ls.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "accounts/accounts.hpp"
#include "cli/common.hpp"
#include "cli/escape.hpp"
#include "cli/exit_code.hpp"
#include "io/output.hpp"
#include "io/stop.hpp"

namespace galena::cli {

namespace {

using Row = std::vector<std::string>;
const Row header = {"NAME", "KIND", "SUBSCRIBERS", "AGE", "HOST", "PID", "ENDPOINTS"};

/// The two largest units.
std::string age_text(Duration age) {
  const auto all = std::chrono::duration_cast<std::chrono::seconds>(age).count();
  if (all < 60) return fmt::format("{}s", all);
  if (all < 3600) return fmt::format("{}m{:02}s", all / 60, all % 60);
  if (all < 86400) return fmt::format("{}h{:02}m", all / 3600, all / 60 % 60);
  return fmt::format("{}d{:02}h", all / 86400, all / 3600 % 24);
}

void append_table(std::string& out, const std::vector<NameEntry>& entries) {
  std::vector<Row> rows = {header};
  for (const NameEntry& entry : entries) {
    rows.push_back({escaped(entry.name), entry.kind, std::to_string(entry.subscribers), age_text(entry.age),
                    escaped(entry.host), std::to_string(entry.pid), joined(entry.endpoints, " ")});
  }
  append_rows(out, rows);
}

/// How each of them stands; empty if it is no producer.
using AllStats = std::vector<std::optional<ProducerStats>>;

AllStats ask_all(Node& node, const std::vector<NameEntry>& entries, Duration timeout) {
  AllStats all;
  for (const NameEntry& entry : entries) {
    all.emplace_back();
    if (entry.kind == "consumer") continue;
    try {
      all.back() = node.stats(global(entry.name), timeout);
    } catch (const Error& error) {
      say(error.what());
    }
  }
  return all;
}

void append_accounts(std::string& out, const std::vector<NameEntry>& entries, const AllStats& stats) {
  std::vector<Row> rows = {account_header()};
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (stats[i]) append_account_rows(rows, entries[i].name, *stats[i]);
  }
  append_rows(out, rows);
}

Json json_of_entry(const NameEntry& entry, const std::optional<ProducerStats>& stats) {
  Json object;
  add_bytes(object, "name", entry.name);
  add_bytes(object, "kind", entry.kind);
  object["endpoints"] = Json::array();
  for (const std::string& endpoint : entry.endpoints) {
    object["endpoints"].push_back(is_utf8(endpoint) ? endpoint : "?");
  }
  add_bytes(object, "host", entry.host);
  object["pid"] = entry.pid;
  object["age_s"] = std::round(in_seconds(entry.age) * 1000) / 1000;
  object["subscribers"] = entry.subscribers;
  if (stats) object["stats"] = json_of_stats(*stats);
  return object;
}

}  // namespace

int run_ls(const LsOptions& options) {
  NodeOptions for_node = node_options(options.common);
  for_node.host_names = false;
  std::vector<NameEntry> entries;
  AllStats stats;
  const Stop stop;
  Output output = Output::standard(stop);
  {
    Node node(for_node);
    entries = node.list(options.timeout);
    std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    stats = options.stats ? ask_all(node, entries, options.timeout) : AllStats(entries.size());
  }

  if (options.json) {
    output.buffer().push_back('[');
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (i > 0) output.buffer().append(",\n ");
      output.buffer().append(json_of_entry(entries[i], stats[i]).dump());
    }
    output.buffer().append("]\n");
  } else if (entries.empty()) {
    say("nobody has registered a name in domain '" + domain_of(options.common) + "'");
  } else if (options.stats) {
    append_accounts(output.buffer(), entries, stats);
  } else {
    append_table(output.buffer(), entries);
  }
  if (!output.flush() && !output.closed()) throw Error(ErrorCode::system, output.error());
  return exit_ok;
}

}  // namespace galena::cli
