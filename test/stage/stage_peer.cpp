// SPDX-License-Identifier: Apache-2.0
// A stage in a process of its own, which does what its standard input says, line by line, and prints what happens.
// `stage_peer --help` lists its options.
// Commands: subscribers N | ingest COUNT TOPIC | send TOPIC MESSAGE | drain | stats | cpu | run | exit.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <iostream>
#include <map>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "common/option_parser.hpp"
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
  std::string domain;
  std::string role;
  std::string name;
  std::vector<std::string> from;
  std::vector<std::string> names;
  std::string interface;
  std::uint64_t liveness_ms = 10'000;
  std::uint64_t buffer_events = 0;
  std::uint64_t hold_ms = 30'000;
  std::uint64_t drain_ms = 5000;
  std::uint64_t demand = 0;
  bool quiet = false;
  std::uint64_t block_ms = 0;
  std::uint64_t work_us = 0;

  /// Reads the command line. Returns the exit code if the program is to end now.
  std::optional<int> read(int argc, char** argv) {
    common::OptionParser parser("stage_peer", "A stage that does what its standard input says.",
                                "  stage_peer default consumer c --from=p");
    parser.add("DOMAIN", &domain, "Processes of one domain find each other", {.required = true});
    parser.add("ROLE", &role, "What it is", {.required = true, .one_of = {"names", "producer", "relay", "consumer"}});
    parser.add("NAME", &name, "Its global name", {.required = true});
    parser.add("--from", &from, "What a relay or consumer subscribes to", {.type = "PRODUCER[:TOPIC,...]"});
    parser.add("--names", &names, "Name services, tcp://host:port");
    parser.add("--interface", &interface, "Where it listens");
    parser.add("--liveness_ms", &liveness_ms, "How long a peer may be silent");
    parser.add("--buffer_events", &buffer_events, "Of a producer or relay");
    parser.add("--hold_ms", &hold_ms, "Of a producer");
    parser.add("--drain_ms", &drain_ms, "Of a producer");
    parser.add("--demand", &demand, "Of a relay or consumer: events at a time");
    parser.add("--quiet", &quiet, "Print no events");
    parser.add("--block_ms", &block_ms, "How long the handler of the first event takes");
    parser.add("--work_us", &work_us, "How long the handler of each event takes");
    return parser.parse(argc, argv);
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
    list.push_back({global(from.substr(0, colon)), Selection(topics), arguments.demand});
  }
  return list;
}

void say_state(const Source& source, State state) { say(fmt::format("state {} {}", source.text(), to_string(state))); }
void say_gap(const Source& source, const Gap& gap) {
  say(fmt::format("gap {} {} {}", source.text(), gap.count ? std::to_string(*gap.count) : "unknown", gap.reason));
}

/// Sleeps as it is told: a slow handler.
struct Pace {
  std::uint64_t block_ms;
  std::uint64_t work_us;
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
                             .buffer_events = arguments.buffer_events,
                             .hold = std::chrono::milliseconds(arguments.hold_ms),
                             .drain = std::chrono::milliseconds(arguments.drain_ms)});
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
  const Pace pace{arguments.block_ms, arguments.work_us};
  ProducerConsumer stage(node, Stamp{arguments.name, pace},
                         {.name = global(arguments.name),
                          .subscriptions = subscriptions(arguments),
                          .subscribe = {.on_state = say_state, .on_gap = say_gap},
                          .publish = {.buffer_events = arguments.buffer_events}});
  Commands commands;
  add_publishing(commands, stage);
  commands["stats"] = [&](std::istringstream&) { say(describe(stage.consumer_stats())); };
  say("ready");
  obey(node, commands);
}

void consume(Node& node, const Arguments& arguments) {
  const Pace pace{arguments.block_ms, arguments.work_us};
  ConsumerOptions options{.subscriptions = subscriptions(arguments), .on_state = say_state, .on_gap = say_gap};
  Consumer stage(node, Printer{pace, arguments.quiet}, options);
  Commands commands;
  commands["stats"] = [&](std::istringstream&) { say(describe(stage.stats())); };
  say("ready");
  obey(node, commands);
}

void run(const Arguments& arguments) {
  const NodeOptions options{.domain = arguments.domain,
                            .names = arguments.names,
                            .interface = arguments.interface,
                            .liveness = std::chrono::milliseconds(arguments.liveness_ms)};
  Node node(options);
  if (arguments.role == "names") {
    const NameService service({.domain = arguments.domain, .bind = "tcp://*:0", .beacon = false});
    say("serving " + service.endpoint());
    obey(node, {});
  }
  if (arguments.role == "producer") produce(node, arguments);
  if (arguments.role == "relay") relay(node, arguments);
  if (arguments.role == "consumer") consume(node, arguments);
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  if (const auto code = arguments.read(argc, argv)) return *code;
  try {
    run(arguments);
    return 0;
  } catch (const std::exception& error) {
    say(std::string("error ") + error.what());
    return 1;
  }
}
