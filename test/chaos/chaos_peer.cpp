// SPDX-License-Identifier: Apache-2.0
// A process for chaos.py to hurt: a source, a relay or a sink, under a global name, that keeps an account of its own.
//   chaos_peer source|relay|sink NAME [KEY=VALUE...]
// Of all: names (tcp://host:port), domain, liveness_ms, interface, host_names (0 or 1), log (debug, info, warning).
// Of sources and relays: buffer_bytes, buffer_events, when_full (wait, keep_last, keep_first), hold_ms, drain_ms,
//   retain_bytes, expect (identities, with commas between).
// Of sources: label (who the events say they come from), tally (a file), size (letters of filler at most).
// Of relays and sinks: from (producers, with commas between), journal (a file), identity, demand.
// Of relays: make (pass: the event as it is; copy: a new one), acknowledge (handled, downstream).
// Of sinks: positions (a file), work_us (how long its handler takes).
// Commands: go [RATE] | stop | drain | subscribers COUNT | stats | exit. SIGTERM ends it as `exit` does:
// a source stops offering, and all leave in good order.
#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "arguments.hpp"
#include "desk.hpp"
#include "galena/galena.hpp"
#include "journal.hpp"
#include "payload.hpp"
#include "pump.hpp"
#include "tally.hpp"

namespace {

using namespace galena;
using chaos::Arguments;
using chaos::Desk;
using chaos::Journal;
using chaos::say;

WhenFull when_full(const std::string& word) {
  if (word == "keep_last") return WhenFull::keep_last;
  if (word == "keep_first") return WhenFull::keep_first;
  return WhenFull::wait;
}

void publish_as(ProducerOptions& options, const Arguments& arguments) {
  options.buffer_bytes = arguments.number("buffer_bytes", 64 << 20);
  options.buffer_events = arguments.number("buffer_events", 0);
  options.when_full = when_full(arguments.text("when_full"));
  options.hold = arguments.milliseconds("hold_ms", 30'000);
  options.drain = arguments.milliseconds("drain_ms", 5000);
  options.retain_bytes = arguments.number("retain_bytes", 0);
  options.expect = arguments.list("expect");
}

void subscribe_as(ConsumerOptions& options, const Arguments& arguments, Journal& journal) {
  for (const std::string& producer : arguments.list("from")) {
    options.subscriptions.push_back({.producer = global(producer), .max_demand = arguments.number("demand", 0)});
  }
  options.identity = arguments.text("identity");
  options.on_state = [&](const Source& source, State state) {
    journal.add(fmt::format("s {} {}", source.text(), to_string(state)));
  };
  options.on_gap = [&](const Source& source, const Gap& gap) {
    journal.add(fmt::format("g {} {} {} {} {}", source.text(), gap.count ? std::to_string(*gap.count) : "unknown",
                            gap.from, gap.upto, gap.reason));
  };
}

/// Writes each event down before it says that it was handled.
struct Writer {
  Journal& journal;
  std::chrono::microseconds work;
  void handle_consume(const EventView& event) {
    journal.add(fmt::format("e {} {}", event.repeated ? 1 : 0, event.payload));
    if (work.count() > 0) std::this_thread::sleep_for(work);
  }
};

struct Relay {
  bool copy;
  void handle_produce(const EventView& event, Sink& out) const {
    if (copy) {
      out.emit("made", std::string(event.payload));
    } else {
      out.emit(event);
    }
  }
};

std::size_t connected(const ProducerStats& stats) {
  return static_cast<std::size_t>(std::count_if(stats.subscribers.begin(), stats.subscribers.end(),
                                                [](const LinkInfo& link) { return !link.away; }));
}

std::string describe(const ProducerStats& stats) {
  return fmt::format("stats ingested {} outstanding {} dropped {} connected {} places {}", stats.ingested,
                     stats.outstanding, stats.dropped, connected(stats), stats.subscribers.size());
}
std::string describe(const ConsumerStats& stats) {
  return fmt::format("stats received {} lost {} unknown {} malformed {} passed over {}", stats.received, stats.lost,
                     stats.unknown_gaps, stats.malformed, stats.passed_over);
}

/// Until a signal, or `exit`.
void serve(Node& node, Desk& desk) {
  desk.add("exit", [&](std::istringstream&) { node.stop(); });
  desk.open();
  say("ready");
  node.run();
  say("stopping");
}

template <class Stage>
void add_publishing(Desk& desk, Stage& stage) {
  desk.add("drain",
           [&](std::istringstream&) { say(stage.drain(std::chrono::seconds(60)) ? "drained" : "not drained"); });
  desk.add("subscribers", [&](std::istringstream& words) {
    std::size_t count = 0;
    words >> count;
    say(stage.wait_for_subscribers(count, std::chrono::seconds(30)) ? "subscribed" : "nobody");
  });
}

void run_source(Node& node, const Arguments& arguments) {
  ProducerOptions options{.name = global(arguments.name)};
  publish_as(options, arguments);
  Producer<> producer(node, options);
  chaos::Tally tally(arguments.text("tally"));
  const std::string label = arguments.text("label", arguments.name);
  const std::uint64_t size = arguments.number("size", 100);
  std::string next;
  chaos::Pump pump([&] {
    if (next.empty()) {
      next = chaos::payload(label, tally.accepted(), size);
      tally.offer();
    }
    if (!producer.ingest_within(std::chrono::milliseconds(20), "made", next)) return false;
    tally.accept();
    next.clear();
    return true;
  });

  Desk desk;
  add_publishing(desk, producer);
  desk.add("go", [&](std::istringstream& words) {
    std::uint64_t rate = 0;
    words >> rate;
    pump.go(rate);
  });
  desk.add("stop", [&](std::istringstream&) {
    pump.stop();
    say(fmt::format("stopped {}", tally.accepted()));
  });
  desk.add("stats", [&](std::istringstream&) { say(describe(producer.stats())); });
  serve(node, desk);
  pump.stop();
}

void run_relay(Node& node, const Arguments& arguments) {
  Journal journal(arguments.text("journal"));
  ProducerConsumerOptions options{.name = global(arguments.name)};
  publish_as(options.publish, arguments);
  subscribe_as(options.subscribe, arguments, journal);
  options.subscriptions = std::exchange(options.subscribe.subscriptions, {});
  if (arguments.text("acknowledge") == "downstream") options.acknowledge = Acknowledge::downstream;
  ProducerConsumer stage(node, Relay{arguments.text("make") == "copy"}, options);
  Desk desk;
  add_publishing(desk, stage);
  desk.add("stats", [&](std::istringstream&) {
    say(describe(stage.producer_stats()));
    say(describe(stage.consumer_stats()));
  });
  serve(node, desk);
}

void run_sink(Node& node, const Arguments& arguments) {
  Journal journal(arguments.text("journal"));
  ConsumerOptions options;
  subscribe_as(options, arguments, journal);
  if (const std::string file = arguments.text("positions"); !file.empty()) {
    options.positions = std::make_shared<FilePositions>(file);
  }
  Consumer stage(node, Writer{journal, std::chrono::microseconds(arguments.number("work_us", 0))}, options);
  Desk desk;
  desk.add("stats", [&](std::istringstream&) { say(describe(stage.stats())); });
  serve(node, desk);
}

void run(const Arguments& arguments) {
  NodeOptions options{.domain = arguments.text("domain", "chaos"),
                      .names = arguments.list("names"),
                      .interface = arguments.text("interface"),
                      .host_names = arguments.number("host_names", 1) != 0,
                      .liveness = arguments.milliseconds("liveness_ms", 10'000)};
  for (const LogLevel level : {LogLevel::debug, LogLevel::info}) {
    if (arguments.text("log") == to_string(level)) options.logger.level = level;
  }
  Node node(options);
  if (arguments.role == "source") run_source(node, arguments);
  if (arguments.role == "relay") run_relay(node, arguments);
  if (arguments.role == "sink") run_sink(node, arguments);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  try {
    run(Arguments(argc, argv));
  } catch (const galena::Error& error) {
    say(fmt::format("error {}", error.what()));
    return error.code() == galena::ErrorCode::unreachable ? 4 : 1;
  } catch (const std::exception& error) {
    say(fmt::format("error {}", error.what()));
    return 1;
  }
  say("gone");
  return 0;
}
