// SPDX-License-Identifier: Apache-2.0
#include "demo/readings.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>

#include <sys/sysinfo.h>
#include <unistd.h>

namespace galena::cli {

namespace {

/// Each line of the file, as its words. None if it cannot be read.
std::vector<std::vector<std::string>> lines_of(const std::string& path) {
  std::vector<std::vector<std::string>> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    // "eth0:123" is two words in some kernels.
    std::replace(line.begin(), line.end(), ':', ' ');
    std::istringstream stream(line);
    lines.emplace_back();
    for (std::string word; stream >> word;) lines.back().push_back(word);
  }
  return lines;
}

double number(const std::vector<std::string>& words, std::size_t at) {
  if (at >= words.size()) return 0;
  try {
    return std::stod(words[at]);
  } catch (const std::logic_error&) {
    return 0;
  }
}

double percent(double part, double all) { return all > 0 ? std::clamp(100 * part / all, 0.0, 100.0) : 0; }

void take_memory(Readings::Values& values) {
  double total = 0;
  double available = 0;
  for (const auto& words : lines_of("/proc/meminfo")) {
    if (words.empty()) continue;
    if (words[0] == "MemTotal") total = number(words, 1);
    if (words[0] == "MemAvailable") available = number(words, 1);
  }
  if (struct sysinfo info{}; total == 0 && sysinfo(&info) == 0) {
    total = static_cast<double>(info.totalram);
    available = static_cast<double>(info.freeram);
  }
  if (total > 0) values.push_back({"memory", {percent(total - available, total), "%"}});
}

}  // namespace

Readings::Values Readings::take() {
  const Time now = Clock::now();
  elapsed_ = taken_ == Time{} ? 0 : in_seconds(now - taken_);
  taken_ = now;
  Values values;
  take_cores(values);
  take_memory(values);
  take_interfaces(values);
  take_disks(values);
  return values;
}

void Readings::take_cores(Values& values) {
  for (const auto& words : lines_of("/proc/stat")) {
    if (words.size() < 5 || words[0].size() < 4 || !words[0].starts_with("cpu")) continue;
    Ticks now;
    for (std::size_t i = 1; i < std::min<std::size_t>(words.size(), 9); ++i) now.all += number(words, i);
    now.busy = now.all - number(words, 4) - number(words, 5);  // neither idle nor waiting for a disk
    const auto [before, first] = cores_.try_emplace(words[0], now);
    values.push_back(
        {"cpu/" + words[0].substr(3), {percent(now.busy - before->second.busy, now.all - before->second.all), "%"}});
    if (!first) before->second = now;
  }
}

void Readings::take_interfaces(Values& values) {
  for (const auto& words : lines_of("/proc/net/dev")) {
    // NAME bytes-in packets errs drop fifo frame compressed multicast bytes-out ...
    if (words.size() < 17 || words[1].find_first_not_of("0123456789") != std::string::npos) continue;
    const double bytes = number(words, 1) + number(words, 9);
    if (bytes > 0) add_traffic(values, "net/" + words[0], bytes);  // else it has never been used
  }
}

void Readings::take_disks(Values& values) {
  constexpr double sector_bytes = 512;
  for (const auto& words : lines_of("/proc/diskstats")) {
    // major minor NAME reads merged sectors-read ms writes merged sectors-written ...
    if (words.size() < 10) continue;
    const std::string& name = words[2];
    const bool whole = access(("/sys/block/" + name).c_str(), F_OK) == 0;  // not a partition
    const double sectors = number(words, 5) + number(words, 9);
    if (!whole || sectors == 0 || name.starts_with("loop") || name.starts_with("ram")) continue;
    add_traffic(values, "disk/" + name, sectors * sector_bytes);
  }
}

void Readings::add_traffic(Values& values, const std::string& topic, double bytes) {
  const auto [before, first] = traffic_.try_emplace(topic, bytes);
  const double moved = std::max(0.0, bytes - std::exchange(before->second, bytes));
  values.push_back({topic, {elapsed_ > 0 ? moved / 1024 / elapsed_ : 0, "KiB/s"}});
}

}  // namespace galena::cli
