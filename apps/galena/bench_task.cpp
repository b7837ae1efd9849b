// SPDX-License-Identifier: Apache-2.0
#include "bench_task.hpp"

#include <fmt/core.h>

#include <map>
#include <sstream>
#include <string_view>

#include "galena/base/error.hpp"

namespace galena::cli {

namespace {

/// "bytes=64" and the like, by name.
class Fields {
 public:
  explicit Fields(const std::vector<std::string>& words) {
    for (const std::string& word : words) {
      const std::size_t at = word.find('=');
      if (at != std::string::npos) values_[word.substr(0, at)] = word.substr(at + 1);
    }
  }

  std::string text(const std::string& name) const {
    const auto it = values_.find(name);
    if (it == values_.end()) throw Error(ErrorCode::invalid, "bench: '" + name + "=' is missing");
    return it->second;
  }
  double number(const std::string& name) const {
    try {
      return std::stod(text(name));
    } catch (const std::logic_error&) {
      throw Error(ErrorCode::invalid, "bench: '" + name + "=' needs a number");
    }
  }
  std::uint64_t count(const std::string& name) const { return static_cast<std::uint64_t>(number(name)); }

 private:
  std::map<std::string, std::string> values_;
};

}  // namespace

std::string to_string(System system) {
  switch (system) {
    case System::galena:
      return "galena";
    case System::raw:
      return "raw";
    case System::tcp:
      return "tcp";
  }
  return "?";
}

std::vector<std::string> to_words(const BenchTask& task) {
  return {"system=" + to_string(task.system),
          fmt::format("sends={}", task.sends ? 1 : 0),
          "peer=" + task.peer,
          fmt::format("bytes={}", task.bytes),
          fmt::format("seconds={}", task.seconds),
          fmt::format("rate={}", task.rate),
          fmt::format("window={}", task.window),
          fmt::format("selects={}", task.selects ? 1 : 0)};
}

BenchTask task_from(const std::vector<std::string>& words) {
  const Fields fields(words);
  BenchTask task;
  for (const System system : all_systems) {
    if (to_string(system) == fields.text("system")) task.system = system;
  }
  task.sends = fields.count("sends") != 0;
  task.peer = fields.text("peer");
  task.bytes = fields.count("bytes");
  task.seconds = fields.number("seconds");
  task.rate = fields.count("rate");
  task.window = fields.count("window");
  task.selects = fields.count("selects") != 0;
  return task;
}

std::string to_line(const BenchReport& report) {
  return fmt::format("events={} seconds={} cpu={} p50={} p99={} p999={}", report.events, report.seconds,
                     report.cpu_seconds, report.p50_us, report.p99_us, report.p999_us);
}

BenchReport report_from(const std::string& line) {
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  const Fields fields(words);
  return {fields.count("events"), fields.number("seconds"), fields.number("cpu"),
          fields.number("p50"),   fields.number("p99"),     fields.number("p999")};
}

}  // namespace galena::cli
