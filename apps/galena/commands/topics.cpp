// SPDX-License-Identifier: Apache-2.0
#include "commands/topics.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include "accounts/accounts.hpp"
#include "accounts/losses.hpp"
#include "accounts/searching.hpp"
#include "accounts/topic_counts.hpp"
#include "cli/escape.hpp"
#include "cli/exit_code.hpp"
#include "cli/topics.hpp"
#include "io/json.hpp"
#include "io/output.hpp"
#include "io/stop.hpp"

namespace galena::cli {

namespace {

using Rows = std::vector<TopicCounts::Row>;

void append_table(std::string& out, const Rows& rows) {
  std::vector<std::vector<std::string>> cells = {{"PRODUCER", "EVENTS", "EVENTS/S", "BYTES", "TOPIC"}};
  for (const TopicCounts::Row& row : rows) {
    cells.push_back({escaped(row.producer), std::to_string(row.events), fmt::format("{:.1f}", row.rate),
                     std::to_string(row.bytes), row.is_rest ? "(all others)" : escaped(row.topic)});
  }
  append_rows(out, cells);
}

void append_json(std::string& out, const Rows& rows) {
  Json list = Json::array();
  for (const TopicCounts::Row& row : rows) {
    Json object = Json::object();
    if (!row.is_rest) {
      add_bytes(object, "producer", row.producer);
      add_bytes(object, "topic", row.topic);
    }
    object["events"] = row.events;
    object["events_per_s"] = row.rate;
    object["bytes"] = row.bytes;
    list.push_back(std::move(object));
  }
  out.append(list.dump()).push_back('\n');
}

/// Prints tables. On a terminal each takes the place of the one before.
class Tables {
 public:
  Tables(Output& output, bool json) : output_(output), json_(json), in_place_(!json && ::isatty(STDOUT_FILENO) == 1) {}

  /// False if nobody reads them any more.
  bool print(const Rows& rows) {
    std::string text;
    if (json_) {
      append_json(text, rows);
    } else {
      append_table(text, rows);
    }
    if (in_place_ && lines_ > 0) output_.buffer().append(fmt::format("\x1b[{}A\x1b[J", lines_));
    if (!in_place_ && !json_ && lines_ > 0) output_.buffer().push_back('\n');
    lines_ = std::count(text.begin(), text.end(), '\n');
    output_.buffer().append(text);
    return output_.flush();
  }

 private:
  Output& output_;
  bool json_;
  bool in_place_;
  std::ptrdiff_t lines_ = 0;
};

}  // namespace

int run_topics(const TopicsOptions& options) {
  Stop stop;
  Output output = Output::standard(stop);
  std::vector<From> from;
  for (const std::string& name : options.producers) from.push_back({name, options.topics});
  const std::vector<Subscription> subscriptions = subscriptions_to(from);
  Searching searching(subscriptions);
  Losses losses;
  TopicCounts counts;
  Tables tables(output, options.json);
  {
    const Time end = options.timeout ? Clock::now() + *options.timeout : never;
    Node node(node_options(options.common));
    const Stop::Action stopping(stop, [&node] { node.stop(); });
    const Consumer consumer(node, [&counts](const EventView& event) { counts.add(event); },
                            {.name = process_name("topics"),
                             .subscriptions = subscriptions,
                             .on_state = [&](const Source& whom, State state) { searching.record(whom, state); },
                             .on_gap = [&losses](const Source&, const Gap& gap) { losses.add(gap); }});
    const Time hint_at = Clock::now() + Searching::patience;
    bool hinted = false;
    for (Time next = Clock::now() + options.interval; next < end; next += options.interval) {
      if (!hinted && hint_at < next) {
        if (stop.wait_until(hint_at, STDOUT_FILENO)) break;
        searching.say_missing(node);
        hinted = true;
      }
      if (stop.wait_until(next, STDOUT_FILENO) || Clock::now() < next) break;
      if (!tables.print(counts.look(Clock::now()))) break;
    }
    stop.wait_until(output.closed() ? Clock::now() : end, STDOUT_FILENO);
  }
  tables.print(counts.look(Clock::now()));
  if (!output.error().empty()) throw Error(ErrorCode::system, output.error());
  losses.add_lost(searching.lost());
  if (!losses.any()) return exit_ok;
  say(losses.text() + " lost");
  return exit_lost;
}

}  // namespace galena::cli
