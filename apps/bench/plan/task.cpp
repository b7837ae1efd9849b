// SPDX-License-Identifier: Apache-2.0
#include "plan/task.hpp"

#include <fmt/core.h>

#include <array>
#include <map>
#include <sstream>
#include <type_traits>

#include "galena/error.hpp"

namespace galena::bench {

namespace {

constexpr std::array<std::string_view, 6> system_names = {"galena", "raw", "pubsub", "tcp", "nats", "redis"};
constexpr std::array<std::string_view, 3> transport_names = {"tcp", "ipc", "inproc"};
constexpr std::array<std::string_view, 8> part_names = {"sender", "receiver", "slow receiver", "relay",
                                                        "proxy",  "server",   "idle process",  "process"};

/// Everything that travels on a command line or a pipe, by name, in one place for both directions.
template <class Task, class F>
void each_field_of_task(Task& task, F&& field) {
  field("part", task.part);
  field("peer", task.peer);
  field("index", task.index);
  auto& shape = task.shape;
  field("system", shape.system);
  field("transport", shape.transport);
  field("bytes", shape.bytes);
  field("seconds", shape.seconds);
  field("rate", shape.rate);
  field("window", shape.window);
  field("senders", shape.senders);
  field("receivers", shape.receivers);
  field("links", shape.links);
  field("topics", shape.topics);
  field("take", shape.take);
  field("prefixes", shape.prefixes);
  field("divided", shape.divided);
  field("relay", shape.relay);
  field("typed", shape.typed);
  field("own_thread", shape.own_thread);
  field("slow_sibling", shape.slow_sibling);
  field("delay_us", shape.delay_us);
  field("idle", shape.idle);
  field("idle_pairs", shape.idle_pairs);
}

template <class Report, class F>
void each_field_of_report(Report& report, F&& field) {
  field("sent", report.sent);
  field("received", report.received);
  field("rate", report.rate);
  field("cpu", report.cpu_seconds);
  field("relay_cpu", report.relay_cpu_seconds);
  field("p50", report.p50_us);
  field("p99", report.p99_us);
  field("p999", report.p999_us);
  field("core", report.core_percent);
  field("rss", report.rss_bytes);
}

/// Makes words like "bytes=64".
struct FieldWriter {
  std::vector<std::string> words = {};

  template <class T>
  void operator()(std::string_view name, const T& value) {
    if constexpr (std::is_enum_v<T>) {
      words.push_back(fmt::format("{}={}", name, static_cast<int>(value)));
    } else if constexpr (std::is_same_v<T, bool>) {
      words.push_back(fmt::format("{}={}", name, value ? 1 : 0));
    } else {
      words.push_back(fmt::format("{}={}", name, value));
    }
  }
};

class FieldReader {
 public:
  explicit FieldReader(const std::vector<std::string>& words) {
    for (const std::string& word : words) {
      const std::size_t at = word.find('=');
      if (at != std::string::npos) values_[word.substr(0, at)] = word.substr(at + 1);
    }
  }

  template <class T>
  void operator()(std::string_view name, T& value) const {
    const auto it = values_.find(name);
    if (it == values_.end()) throw Error(ErrorCode::invalid, fmt::format("bench: '{}=' is missing", name));
    try {
      if constexpr (std::is_same_v<T, std::string>) {
        value = it->second;
      } else if constexpr (std::is_same_v<T, double>) {
        value = std::stod(it->second);
      } else {
        value = static_cast<T>(std::stoull(it->second));
      }
    } catch (const std::logic_error&) {
      throw Error(ErrorCode::invalid, fmt::format("bench: '{}=' needs a number", name));
    }
  }

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

}  // namespace

std::string_view to_string(System system) { return system_names.at(static_cast<std::size_t>(system)); }
std::string_view to_string(Transport transport) { return transport_names.at(static_cast<std::size_t>(transport)); }
std::string_view to_string(Part part) { return part_names.at(static_cast<std::size_t>(part)); }

std::vector<std::string> to_words(const Task& task) {
  FieldWriter writer;
  each_field_of_task(task, writer);
  return writer.words;
}

Task task_from(const std::vector<std::string>& words) {
  Task task;
  each_field_of_task(task, FieldReader(words));
  return task;
}

std::string to_line(const Report& report) {
  FieldWriter writer;
  each_field_of_report(report, writer);
  std::string line;
  for (const std::string& word : writer.words) line += (line.empty() ? "" : " ") + word;
  return line;
}

Report report_from(const std::string& line) {
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  Report report;
  each_field_of_report(report, FieldReader(words));
  return report;
}

}  // namespace galena::bench
