// SPDX-License-Identifier: Apache-2.0
#include "plan/workload.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <optional>

#include <fmt/core.h>

#include "systems/galena.hpp"

namespace galena::bench {

namespace {

/// Unless it is configured.
constexpr std::uint32_t most_of_nats = 1 << 20;

constexpr std::array<std::string_view, 8> quantity_names = {"rate",   "p50",          "p99",          "p99.9",
                                                            "cpu_us", "relay_cpu_us", "core_percent", "rss_mib"};

Target at_least(double bound, std::string against) { return {Quantity::rate, std::move(against), bound}; }
Target at_most(Quantity quantity, double bound, std::string against) {
  return {quantity, std::move(against), bound, true, quantity};
}

Shape with(Shape shape, const std::function<void(Shape&)>& change) {
  change(shape);
  return shape;
}
Shape of_system(Shape shape, System system) {
  shape.system = system;
  shape.window = 0;
  return shape;
}

/// Galena and these yardsticks, all with the same shape.
std::vector<Lane> side_by_side(const Shape& shape, const std::vector<System>& yardsticks) {
  std::vector<Lane> lanes{{"galena", shape}};
  for (const System system : yardsticks) lanes.push_back({std::string(to_string(system)), of_system(shape, system)});
  return lanes;
}

Workload throughput(const Shape& shape) {
  Workload workload{.name = "throughput", .about = "one producer, one consumer"};
  workload.lanes =
      side_by_side(shape, shape.transport == Transport::inproc ? std::vector<System>{System::raw}
                                                               : std::vector<System>{System::raw, System::tcp});
  struct Aim {
    Transport transport;
    std::uint64_t bytes;
    System against;
    double ratio;
  };
  static constexpr Aim aims[] = {
      {Transport::tcp, 16, System::raw, 5},      {Transport::tcp, 16, System::tcp, 0.65},
      {Transport::tcp, 64, System::raw, 6},      {Transport::tcp, 64, System::tcp, 0.75},
      {Transport::tcp, 1024, System::raw, 2.2},  {Transport::tcp, 1024, System::tcp, 0.4},
      {Transport::tcp, 65536, System::raw, 1.2}, {Transport::tcp, 65536, System::tcp, 0.85},
      {Transport::inproc, 64, System::raw, 6},
  };
  for (const Aim& aim : aims) {
    if (aim.transport != shape.transport || aim.bytes != shape.bytes) continue;
    workload.targets.push_back(at_least(aim.ratio, std::string(to_string(aim.against))));
  }
  return workload;
}

/// The consumer names the topic, instead of taking everything.
Workload one_topic(Shape shape) {
  shape.take = Take::topics;
  return {.name = "one-topic",
          .about = "one producer, one consumer of its topic",
          .lanes = side_by_side(shape, {System::raw})};
}

Workload fan_out(Shape shape, std::uint64_t consumers) {
  shape.receivers = 8;
  shape.links = consumers / shape.receivers;
  Workload workload{.name = fmt::format("fanout{}", consumers),
                    .about = fmt::format("one producer, {} consumers of everything: deliveries", consumers),
                    .lanes = side_by_side(shape, {System::pubsub})};
  if (consumers == 8 && shape.bytes == 64 && shape.transport == Transport::tcp) {
    workload.targets = {at_least(6, "pubsub")};
  }
  return workload;
}

Workload eight_topics(Shape shape) {
  shape.receivers = 8;
  shape.topics = 8;
  shape.take = Take::topics;
  shape.divided = true;
  return {.name = "topics8",
          .about = "one producer of 8 topics, 8 consumers of one each",
          .lanes = side_by_side(shape, {System::pubsub})};
}

/// A single subscription that names the one topic there is.
Lane one_topic_lane(Shape shape) {
  shape.take = Take::topics;
  return {"one topic", shape};
}

Workload many_topics(const Shape& shape) {
  Shape many = shape;
  many.links = 8;
  many.topics = 10'000;
  many.take = Take::topics;
  many.divided = true;
  return {.name = "topics10000",
          .about = "10,000 topics in turns, selected by 8 consumers of 1,250 each",
          .lanes = {{"galena", many}, one_topic_lane(shape), {"pubsub", of_system(many, System::pubsub)}},
          .targets = {at_least(0.8, "one topic")}};
}

Workload many_prefixes(const Shape& shape) {
  Shape many = shape;
  many.topics = 10'000;
  many.take = Take::prefixes;
  many.prefixes = 1'000;
  return {.name = "prefixes",
          .about = "10,000 topics in turns, one consumer of 1,000 prefixes",
          .lanes = {{"galena", many}, one_topic_lane(shape), {"pubsub", of_system(many, System::pubsub)}}};
}

Workload relayed(const Shape& shape, Relay relay) {
  const Shape through = with(shape, [=](Shape& s) { s.relay = relay; });
  Workload workload{.name = relay == Relay::pass ? "relay" : "transform",
                    .about = relay == Relay::pass ? "producer, relay that passes on, consumer"
                                                  : "producer, relay that changes each message, consumer",
                    .lanes = {{"galena", through}, {"direct", shape}, {"raw", of_system(through, System::raw)}}};
  // Inside one process nobody knows whose time it is.
  if (relay == Relay::pass && shape.transport != Transport::inproc) {
    workload.targets = {at_least(0.5, "direct"), {Quantity::relay_cpu_us, "direct", 0.5, true, Quantity::cpu_us}};
  }
  return workload;
}

Workload fan_in(Shape shape) {
  shape.senders = 4;
  return {.name = "fanin4", .about = "four producers, one consumer", .lanes = side_by_side(shape, {System::raw})};
}

Workload typed(Shape shape) {
  shape.bytes = measurement_bytes;
  return {.name = "typed",
          .about = "structs of 5 fields, packed and unpacked by MessagePack",
          .lanes = {{"galena", with(shape, [](Shape& s) { s.typed = true; })}, {"bytes", shape}},
          .targets = {at_least(0.35, "bytes")}};
}

Workload latency_of(const std::string& name, const std::string& about, const Shape& shape,
                    const std::vector<System>& yardsticks) {
  Workload workload{
      .name = name, .about = about, .kind = WorkloadKind::latency, .lanes = side_by_side(shape, yardsticks)};
  for (Lane& lane : workload.lanes) {
    lane.shape.rate = 1000;
    lane.shape.seconds *= 2;
  }
  return workload;
}

Workload lone_event(const Shape& shape) {
  Workload workload = latency_of("latency", "a lone event, 1,000 a second, ingested by another thread", shape,
                                 shape.transport == Transport::inproc ? std::vector<System>{System::raw}
                                                                      : std::vector<System>{System::raw, System::tcp});
  if (shape.transport == Transport::tcp) {
    workload.targets = {at_most(Quantity::p50, 1.4, "raw"), at_most(Quantity::p99, 1.4, "raw")};
  }
  return workload;
}

Workload own_event(const Shape& shape) {
  Workload workload =
      latency_of("latency-own", "a lone event, 1,000 a second, emitted on the stage's thread", shape, {System::raw});
  workload.lanes.front().shape.own_thread = true;
  if (shape.transport == Transport::tcp) {
    workload.targets = {at_most(Quantity::p50, 1.15, "raw"), at_most(Quantity::p99, 1.4, "raw")};
  }
  return workload;
}

Workload loaded(const Shape& shape) {
  Workload workload = latency_of("latency-load", "latency at half of what raw manages", shape, {System::raw});
  workload.load = 0.5;
  if (shape.transport == Transport::tcp) workload.targets = {at_most(Quantity::p99, 1, "raw")};
  return workload;
}

Workload slow_sibling(Shape shape) {
  shape.take = Take::topics;
  return {.name = "slow-sibling",
          .about = "a fast consumer, beside one of another topic that takes 10 ms for each event",
          .lanes = {{"galena", with(shape, [](Shape& s) { s.slow_sibling = true; })}, {"alone", shape}},
          .targets = {at_least(0.97, "alone")}};
}

/// The default window against the best of some that are set by hand.
Workload delayed(Shape shape, std::uint64_t ms) {
  shape.delay_us = ms * 1000;
  shape.seconds *= 1 + 0.05 * static_cast<double>(ms);
  Workload workload{.name = fmt::format("delay{}", ms),
                    .about = fmt::format("a link with {} ms of delay each way", ms),
                    .lanes = {{"galena", shape}},
                    .targets = {at_least(0.9, "best")}};
  for (const std::uint64_t mib : {1, 4, 16, 64}) {
    workload.lanes.push_back({fmt::format("{} MiB", mib), with(shape, [=](Shape& s) { s.window = mib << 20; })});
  }
  return workload;
}

Workload idle_of(const std::string& name, const std::string& about, Shape shape) {
  shape.idle = true;
  shape.bytes = 0;
  shape.seconds = 4 * shape.seconds;  // a stage looks after its links every second or so
  return {.name = name, .about = about, .kind = WorkloadKind::idle, .lanes = {{"galena", shape}}};
}

Workload idle_one(Shape shape) {
  shape.idle_pairs = 0;
  Workload workload = idle_of("idle", "a process with one stage and nothing to do", shape);
  workload.targets = {at_most(Quantity::core_percent, 0.1, ""), at_most(Quantity::rss_mib, 12, "")};
  return workload;
}

Workload idle_pairs(const Shape& shape) {
  Workload workload = idle_of(
      "idle-pairs", fmt::format("{} connected pairs of stages, one thread, nothing to do", shape.idle_pairs), shape);
  if (shape.idle_pairs == 500) workload.targets = {at_most(Quantity::rss_mib, 60, "")};
  return workload;
}

/// Which workload, in which variants.
struct Row {
  const char* name;
  std::function<Workload(const Shape& shape)> make;
  std::vector<Transport> transports;  ///< without --transport
  std::vector<Transport> possible;    ///< with it
  std::vector<std::uint64_t> sizes = {64};
  bool any_size = true;  ///< --size changes it
  bool quick = false;    ///< part of --quick
  bool versus = false;   ///< brokers can do it too
};

const std::vector<Row>& rows() {
  using enum Transport;
  static const std::vector<Transport> all{tcp, ipc, inproc};
  static const std::vector<Row> rows = {
      {"throughput", throughput, all, all, {16, 64, 1024, 65536}, true, true, true},
      {"one-topic", one_topic, {tcp}, all},
      {"fanout8", [](const Shape& shape) { return fan_out(shape, 8); }, {tcp}, all, {64}, true, false, true},
      {"fanout64", [](const Shape& shape) { return fan_out(shape, 64); }, {tcp}, all},
      {"topics8", eight_topics, {tcp}, all},
      {"topics10000", many_topics, {tcp}, all},
      {"prefixes", many_prefixes, {tcp}, all},
      {"relay", [](const Shape& shape) { return relayed(shape, Relay::pass); }, {tcp}, all},
      {"transform", [](const Shape& shape) { return relayed(shape, Relay::transform); }, {tcp}, all},
      {"fanin4", fan_in, {tcp}, all},
      {"typed", typed, {tcp}, all, {64}, false},
      {"latency", lone_event, {tcp}, all, {64}, true, true, true},
      {"latency-own", own_event, {tcp}, all},
      {"latency-load", loaded, {tcp}, all},
      {"slow-sibling", slow_sibling, {tcp}, all},
      {"delay1", [](const Shape& shape) { return delayed(shape, 1); }, {tcp}, {tcp}, {1024}},
      {"delay20", [](const Shape& shape) { return delayed(shape, 20); }, {tcp}, {tcp}, {1024}},
      {"idle", idle_one, {tcp}, {tcp}, {64}, false},
      {"idle-pairs", idle_pairs, {inproc}, {inproc}, {64}, false},
  };
  return rows;
}

bool contains(const auto& list, const auto& value) { return std::find(list.begin(), list.end(), value) != list.end(); }

bool is_wanted(const Row& row, const Options& options) {
  if (!options.only.empty()) return contains(options.only, std::string(row.name));
  return !options.quick || row.quick;
}

std::vector<Transport> transports_of(const Row& row, const Options& options) {
  if (options.transport.empty()) return options.quick ? std::vector<Transport>{row.transports.front()} : row.transports;
  std::vector<Transport> transports;
  for (const Transport transport : row.possible) {
    if (to_string(transport) == options.transport) transports.push_back(transport);
  }
  return transports;
}

}  // namespace

std::string_view to_string(Quantity quantity) { return quantity_names.at(static_cast<std::size_t>(quantity)); }

std::vector<std::string> workload_names() {
  std::vector<std::string> names;
  for (const Row& row : rows()) names.emplace_back(row.name);
  return names;
}

std::uint64_t rounds_of(const Options& options) { return options.rounds > 0 ? options.rounds : options.quick ? 5 : 3; }

std::vector<Workload> workloads_for(const Options& options) {
  std::vector<Workload> workloads;
  for (const Row& row : rows()) {
    if (!is_wanted(row, options)) continue;
    for (const Transport transport : transports_of(row, options)) {
      for (const std::uint64_t bytes : options.sizes.empty() || !row.any_size ? row.sizes : options.sizes) {
        const Shape shape{.transport = transport,
                          .bytes = bytes,
                          .seconds = options.seconds > 0 ? options.seconds
                                     : options.quick     ? 0.3
                                                         : 0.8,
                          .window = options.window,
                          .idle_pairs = options.pairs};
        Workload workload = row.make(shape);
        for (const System system : {System::nats, System::redis}) {
          if (!row.versus || transport != Transport::tcp || !contains(options.versus, to_string(system))) continue;
          if (system == System::nats && bytes > most_of_nats) {
            throw Error(ErrorCode::invalid, "nats-server takes messages of at most 1 MiB: give a smaller --size");
          }
          workload.lanes.push_back({std::string(to_string(system)), of_system(workload.shape(), system)});
        }
        workloads.push_back(std::move(workload));
      }
    }
  }
  if (workloads.empty()) {
    throw Error(ErrorCode::invalid,
                "none of these workloads runs over " + options.transport + ": give another --transport");
  }
  return workloads;
}

}  // namespace galena::bench
