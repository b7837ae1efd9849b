// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace galena::bench {

/// What is measured: Galena, or a yardstick.
enum class System : std::uint8_t {
  galena,  ///< through the public API
  raw,     ///< libzmq PUSH/PULL, one event a message
  pubsub,  ///< libzmq XPUB/SUB, one event a message
  tcp,     ///< a plain connection, records packed into 64 KiB writes: about what the machine can do
  nats,    ///< nats-server between the two
  redis,   ///< redis-server between the two
};
enum class Transport : std::uint8_t { tcp, ipc, inproc };
/// Which topics a consumer selects, and by which kind of selection.
enum class Take : std::uint8_t { everything, topics, prefixes };
enum class Relay : std::uint8_t { none, pass, transform };
/// What a process of a run does.
enum class Part : std::uint8_t {
  send,
  receive,
  slow,    ///< receives the slow topic alone
  relay,   ///< between the senders and the receivers
  proxy,   ///< a delay between them
  server,  ///< becomes the broker between them
  idle,    ///< has stages and nothing to do
  all,     ///< everything, for what stays inside one process
};

std::string_view to_string(System system);
std::string_view to_string(Transport transport);
std::string_view to_string(Part part);

/// What one run consists of, and what travels.
struct Shape {
  System system = System::galena;
  Transport transport = Transport::tcp;
  std::uint64_t bytes = 64;  ///< of each message, at least 16
  double seconds = 1;        ///< that it sends for
  std::uint64_t rate = 0;    ///< events a second, to measure their latency; 0: as many as possible
  std::uint64_t window = 0;  ///< of Galena's subscriptions, in bytes; 0: their default

  std::uint64_t senders = 1;    ///< processes with a producer each
  std::uint64_t receivers = 1;  ///< processes with consumers
  std::uint64_t links = 1;      ///< consumers of each of them
  std::uint64_t topics = 1;     ///< event number N has topic N modulo this
  Take take = Take::everything;
  std::uint64_t prefixes = 0;  ///< that select all topics, if that is how they are taken
  bool divided = false;        ///< each consumer takes its part of the topics, instead of all

  Relay relay = Relay::none;
  bool typed = false;            ///< messages are structs that MessagePack packs
  bool own_thread = false;       ///< events are made on the producing stage's thread, not on a caller's
  bool slow_sibling = false;     ///< another consumer takes 10 ms for each event of a topic of its own
  std::uint64_t delay_us = 0;    ///< each way
  bool idle = false;             ///< nothing travels
  std::uint64_t idle_pairs = 0;  ///< of a producer and a consumer, with one thread; 0: one producer alone

  std::uint64_t consumers() const { return receivers * links; }
  /// So many events in a row go to different consumers.
  std::uint64_t stride() const { return divided ? consumers() : 1; }
};

/// What one process of a run is told on its command line.
struct Task {
  Shape shape = {};
  Part part = Part::send;
  std::string peer = {};    ///< where its peers are: a domain, a port, or endpoints with commas between
  std::uint64_t index = 0;  ///< its number among the processes with the same part
};

std::vector<std::string> to_words(const Task& task);
/// Throws Error (invalid).
Task task_from(const std::vector<std::string>& words);

/// What one process measured, or the sum over all processes of a run.
struct Report {
  std::uint64_t sent = 0;
  std::uint64_t received = 0;    ///< by all consumers together
  double rate = 0;               ///< events a second that reached them, while all sent
  double cpu_seconds = 0;        ///< from the first event to the last
  double relay_cpu_seconds = 0;  ///< of that, the relay's
  double p50_us = 0;
  double p99_us = 0;
  double p999_us = 0;
  double core_percent = 0;  ///< of one core, while nothing happened
  double rss_bytes = 0;     ///< memory of a process that has nothing to do
};

std::string to_line(const Report& report);
/// Throws Error (invalid).
Report report_from(const std::string& line);

}  // namespace galena::bench
