// SPDX-License-Identifier: Apache-2.0
// A process for chaos.py to hurt: a source, a relay or a sink, under a global name, that keeps an account of its own.
// Its options are in arguments.hpp; `chaos_peer --help` lists them.
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
  options.buffer_bytes = arguments.buffer_bytes;
  options.buffer_events = arguments.buffer_events;
  options.when_full = when_full(arguments.when_full);
  options.hold = std::chrono::milliseconds(arguments.hold_ms);
  options.drain = std::chrono::milliseconds(arguments.drain_ms);
  options.retain_bytes = arguments.retain_bytes;
  options.expect = arguments.expect;
}

void subscribe_as(ConsumerOptions& options, const Arguments& arguments, Journal& journal) {
  for (const std::string& producer : arguments.from) {
    Subscription& subscription = options.subscriptions.emplace_back(Subscription{.producer = global(producer)});
    subscription.max_demand = arguments.demand;
    subscription.topics = Selection(std::vector<Topic>(arguments.select.begin(), arguments.select.end()));
  }
  options.identity = arguments.identity;
  options.on_state = [&](const Source& source, State state) {
    journal.add(fmt::format("s {} {}", source.text(), to_string(state)));
  };
  options.on_gap = [&](const Source& source, const Gap& gap) {
    journal.add(fmt::format("g {} {} {} {} {}", source.text(), gap.count ? std::to_string(*gap.count) : "unknown",
                            gap.from, gap.upto, gap.reason));
  };
}

void write_down(Journal& journal, const EventView& event) {
  journal.add(fmt::format("e {} {}", event.repeated ? 1 : 0, event.payload));
}

/// Writes each event down before it says that it was handled.
struct Writer {
  Journal& journal;
  std::chrono::microseconds work;
  void handle_consume(const EventView& event) {
    write_down(journal, event);
    if (work.count() > 0) std::this_thread::sleep_for(work);
  }
};

/// The same, and makes one of it.
struct Relay {
  Journal& journal;
  bool copy;
  void handle_produce(const EventView& event, Sink& out) {
    write_down(journal, event);
    if (copy) {
      out.emit(event.topic, std::string(event.payload));
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
  chaos::Tally tally(arguments.tally);
  const std::string label = arguments.label;
  const std::uint64_t size = arguments.size;
  const std::uint64_t topics = arguments.topics;
  std::string topic = "made";
  std::string next;
  chaos::Pump pump([&] {
    if (next.empty()) {
      const std::uint64_t number = tally.accepted();
      const std::string of_topic = topics > 1 ? fmt::format("/{}", number % topics) : "";
      topic = "made" + of_topic;
      next = chaos::payload(label + of_topic, number / topics, size);
      tally.offer();
    }
    if (!producer.ingest_within(std::chrono::milliseconds(20), topic, next)) return false;
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
  Journal journal(arguments.journal);
  ProducerConsumerOptions options{.name = global(arguments.name)};
  publish_as(options.publish, arguments);
  subscribe_as(options.subscribe, arguments, journal);
  options.subscriptions = std::exchange(options.subscribe.subscriptions, {});
  if (arguments.acknowledge == "downstream") options.acknowledge = Acknowledge::downstream;
  ProducerConsumer stage(node, Relay{journal, arguments.make == "copy"}, options);
  Desk desk;
  add_publishing(desk, stage);
  desk.add("stats", [&](std::istringstream&) {
    say(describe(stage.producer_stats()));
    say(describe(stage.consumer_stats()));
  });
  serve(node, desk);
}

void run_sink(Node& node, const Arguments& arguments) {
  Journal journal(arguments.journal);
  ConsumerOptions options;
  subscribe_as(options, arguments, journal);
  if (const std::string file = arguments.positions; !file.empty()) {
    options.positions = std::make_shared<FilePositions>(file);
  }
  Consumer stage(node, Writer{journal, std::chrono::microseconds(arguments.work_us)}, options);
  Desk desk;
  desk.add("stats", [&](std::istringstream&) { say(describe(stage.stats())); });
  serve(node, desk);
}

void run(const Arguments& arguments) {
  NodeOptions options{.domain = arguments.domain,
                      .names = arguments.names,
                      .interface = arguments.interface,
                      .host_names = arguments.host_names != 0,
                      .liveness = std::chrono::milliseconds(arguments.liveness_ms)};
  for (const LogLevel level : {LogLevel::debug, LogLevel::info}) {
    if (arguments.log == to_string(level)) options.logger.level = level;
  }
  Node node(options);
  if (arguments.role == "source") run_source(node, arguments);
  if (arguments.role == "relay") run_relay(node, arguments);
  if (arguments.role == "sink") run_sink(node, arguments);
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  if (const auto code = arguments.read(argc, argv)) return *code;
  try {
    run(arguments);
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
