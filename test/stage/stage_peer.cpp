// SPDX-License-Identifier: Apache-2.0
// A stage in a process of its own, which does what its standard input says, line by line, and prints what happens.
//   stage_peer DOMAIN producer|relay|consumer NAME [KEY=VALUE...]
// Keys: liveness_ms, names, interface, buffer_events, hold_ms, drain_ms, demand, from (PRODUCER[:TOPIC,...], more than
// once), quiet (a consumer prints no events), block_ms (in the handler of the first event), work_us (of each).
// Commands: subscribers N | ingest COUNT TOPIC | send TOPIC MESSAGE | drain | stats | cpu | run | exit.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <iostream>
#include <map>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "galena/galena.hpp"

namespace {

using namespace galena;

void say(const std::string& line) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

struct Arguments {
  std::string role;
  std::string name;
  std::map<std::string, std::string> values;
  std::vector<std::string> from;

  int number(const std::string& key, int otherwise) const {
    const auto it = values.find(key);
    return it == values.end() ? otherwise : std::stoi(it->second);
  }
};

std::vector<Subscription> subscriptions(const Arguments& arguments) {
  std::vector<Subscription> list;
  for (const std::string& from : arguments.from) {
    const auto colon = from.find(':');
    std::vector<Topic> topics;
    if (colon != std::string::npos) {
      std::istringstream rest(from.substr(colon + 1));
      for (std::string topic; std::getline(rest, topic, ',');) topics.emplace_back(topic);
    }
    list.push_back(
        {global(from.substr(0, colon)), Selection(topics), static_cast<std::uint64_t>(arguments.number("demand", 0))});
  }
  return list;
}

void say_state(const Source& source, State state) { say(fmt::format("state {} {}", source.text(), to_string(state))); }
void say_gap(const Source& source, const Gap& gap) {
  say(fmt::format("gap {} {} {}", source.text(), gap.count ? std::to_string(*gap.count) : "unknown", gap.reason));
}

/// Sleeps as it is told: a slow handler.
struct Pace {
  int block_ms;
  int work_us;
  void operator()() {
    if (block_ms > 0) say("blocked");
    std::this_thread::sleep_for(std::chrono::milliseconds(std::exchange(block_ms, 0)));
    if (work_us > 0) std::this_thread::sleep_for(std::chrono::microseconds(work_us));
  }
};

struct Printer {
  Pace pace;
  bool quiet;
  void handle_consume(std::string_view topic, std::string_view message) {
    pace();
    if (!quiet) say(fmt::format("event {} {}", topic, message));
  }
};

struct Stamp {
  std::string name;
  Pace pace;
  Event handle_produce(std::string_view topic, std::string_view message) {
    pace();
    return {std::string(topic), name + "<" + std::string(message)};
  }
};

std::string describe(const ProducerStats& stats) {
  const auto connected = std::count_if(stats.subscribers.begin(), stats.subscribers.end(),
                                       [](const LinkInfo& link) { return !link.away; });
  return fmt::format("stats ingested {} outstanding {} dropped {} connected {}", stats.ingested, stats.outstanding,
                     stats.dropped, connected);
}
std::string describe(const ConsumerStats& stats) {
  return fmt::format("stats received {} lost {} unknown {} malformed {}", stats.received, stats.lost,
                     stats.unknown_gaps, stats.malformed);
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds_of = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

using Commands = std::map<std::string, std::function<void(std::istringstream&)>>;

void obey(Node& node, Commands commands) {
  commands["cpu"] = [](std::istringstream&) { say(fmt::format("cpu {:.6f}", cpu_seconds())); };
  commands["run"] = [&](std::istringstream&) {
    say("running");
    node.run();
    say("stopped");
  };
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string verb;
    words >> verb;
    if (verb == "exit") return;
    commands.at(verb)(words);
  }
}

template <class S>
void add_publishing(Commands& commands, S& stage) {
  commands["subscribers"] = [&](std::istringstream& words) {
    std::size_t count = 0;
    words >> count;
    say(stage.wait_for_subscribers(count, std::chrono::seconds(30)) ? "subscribed" : "nobody");
  };
  commands["drain"] = [&](std::istringstream&) {
    say(stage.drain(std::chrono::seconds(30)) ? "drained" : "not drained");
  };
}

void produce(Node& node, const Arguments& arguments) {
  Producer<> producer(node, {.name = global(arguments.name),
                             .buffer_events = static_cast<std::uint64_t>(arguments.number("buffer_events", 0)),
                             .hold = std::chrono::milliseconds(arguments.number("hold_ms", 30'000)),
                             .drain = std::chrono::milliseconds(arguments.number("drain_ms", 5000))});
  int next = 0;
  Commands commands;
  add_publishing(commands, producer);
  commands["ingest"] = [&](std::istringstream& words) {
    int count = 0;
    std::vector<std::string> topics;
    words >> count;
    for (std::string topic; words >> topic;) topics.push_back(topic);
    for (int i = 0; i < count; ++i, ++next) {
      producer.ingest(topics[static_cast<std::size_t>(next) % topics.size()],
                      arguments.name + "#" + std::to_string(next));
    }
    say(fmt::format("ingested {}", next));
  };
  commands["send"] = [&](std::istringstream& words) {
    std::string topic;
    std::string message;
    words >> topic >> message;
    producer.ingest(topic, message);
  };
  commands["stats"] = [&](std::istringstream&) { say(describe(producer.stats())); };
  say(fmt::format("ready {}", producer.waiting()));
  obey(node, commands);
}

void relay(Node& node, const Arguments& arguments) {
  const Pace pace{arguments.number("block_ms", 0), arguments.number("work_us", 0)};
  ProducerConsumer stage(
      node, Stamp{arguments.name, pace},
      {.name = global(arguments.name),
       .subscriptions = subscriptions(arguments),
       .subscribe = {.on_state = say_state, .on_gap = say_gap},
       .publish = {.buffer_events = static_cast<std::uint64_t>(arguments.number("buffer_events", 0))}});
  Commands commands;
  add_publishing(commands, stage);
  commands["stats"] = [&](std::istringstream&) { say(describe(stage.consumer_stats())); };
  say("ready");
  obey(node, commands);
}

void consume(Node& node, const Arguments& arguments) {
  const Pace pace{arguments.number("block_ms", 0), arguments.number("work_us", 0)};
  ConsumerOptions options{.subscriptions = subscriptions(arguments), .on_state = say_state, .on_gap = say_gap};
  Consumer stage(node, Printer{pace, arguments.number("quiet", 0) != 0}, options);
  Commands commands;
  commands["stats"] = [&](std::istringstream&) { say(describe(stage.stats())); };
  say("ready");
  obey(node, commands);
}

int run(int argc, char** argv) {
  Arguments arguments{.role = argv[2], .name = argv[3], .values = {}, .from = {}};
  for (int i = 4; i < argc; ++i) {
    const std::string text = argv[i];
    const auto equals = text.find('=');
    if (text.starts_with("from=")) {
      arguments.from.push_back(text.substr(equals + 1));
    } else {
      arguments.values[text.substr(0, equals)] = text.substr(equals + 1);
    }
  }
  NodeOptions options{.domain = argv[1], .interface = arguments.values["interface"]};
  if (!arguments.values["names"].empty()) options.names = {arguments.values["names"]};
  options.liveness = std::chrono::milliseconds(arguments.number("liveness_ms", 10'000));
  Node node(options);
  if (arguments.role == "names") {
    const NameService service({.domain = argv[1], .bind = "tcp://*:0", .beacon = false});
    say("serving " + service.endpoint());
    obey(node, {});
  }
  if (arguments.role == "producer") produce(node, arguments);
  if (arguments.role == "relay") relay(node, arguments);
  if (arguments.role == "consumer") consume(node, arguments);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    say(std::string("error ") + error.what());
    return 1;
  }
}
