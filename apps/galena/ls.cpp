// SPDX-License-Identifier: Apache-2.0
#include "ls.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "escape.hpp"
#include "exit_code.hpp"
#include "json.hpp"
#include "output.hpp"
#include "stop.hpp"

namespace galena::cli {

namespace {

using Row = std::array<std::string, 7>;
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
                    escaped(entry.host), std::to_string(entry.pid),
                    fmt::format("{}", fmt::join(entry.endpoints, " "))});
  }
  std::array<std::size_t, header.size()> widths{};
  for (const Row& row : rows) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const Row& row : rows) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i) {
      out.append(row[i]).append(widths[i] - row[i].size() + 2, ' ');
    }
    out.append(row.back()).push_back('\n');
  }
}

void append_json(std::string& out, const NameEntry& entry) {
  out.push_back('{');
  append_json_member(out, "name", entry.name);
  out.push_back(',');
  append_json_member(out, "kind", entry.kind);
  out.append(",\"endpoints\":[");
  for (std::string_view separator = ""; const std::string& endpoint : entry.endpoints) {
    out.append(separator);
    append_json_string(out, is_utf8(endpoint) ? endpoint : escaped("?"));
    separator = ",";
  }
  out.append("],");
  append_json_member(out, "host", entry.host);
  out.append(
      fmt::format(R"(,"pid":{},"age_s":{:.3f},"subscribers":{}}})", entry.pid, seconds(entry.age), entry.subscribers));
}

}  // namespace

int run_ls(const LsOptions& options) {
  NodeOptions for_node = node_options(options.common);
  for_node.host_names = false;
  std::vector<NameEntry> entries;
  {
    Node node(for_node);
    entries = node.list(options.timeout);
  }
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.name < b.name; });

  const Stop stop;
  Output output(STDOUT_FILENO, stop);
  if (options.json) {
    output.buffer().push_back('[');
    for (std::string_view separator = ""; const NameEntry& entry : entries) {
      output.buffer().append(separator);
      append_json(output.buffer(), entry);
      separator = ",\n ";
    }
    output.buffer().append("]\n");
  } else if (entries.empty()) {
    say("nobody has registered a name in domain '" + domain_of(options.common) + "'");
  } else {
    append_table(output.buffer(), entries);
  }
  if (!output.flush() && !output.closed()) throw Error(ErrorCode::system, output.error());
  return exit_ok;
}

}  // namespace galena::cli
