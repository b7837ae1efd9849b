// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/option_parser.hpp"

namespace chaos {

/// What a chaos peer was started with. Options have an underscore in them, as the keyword arguments of chaos.py do.
struct Arguments {
  std::string role;
  std::string name;

  std::string domain = "chaos";
  std::vector<std::string> names;
  std::string interface;
  std::uint64_t host_names = 1;
  std::uint64_t liveness_ms = 10'000;
  std::string log;

  std::uint64_t buffer_bytes = 64 << 20;
  std::uint64_t buffer_events = 0;
  std::string when_full = "wait";
  std::uint64_t hold_ms = 30'000;
  std::uint64_t drain_ms = 5000;
  std::uint64_t retain_bytes = 0;
  std::vector<std::string> expect;

  std::string label;
  std::string tally;
  std::uint64_t size = 100;
  std::uint64_t topics = 1;

  std::vector<std::string> from;
  std::vector<std::string> select;
  std::string journal;
  std::string identity;
  std::uint64_t demand = 0;
  std::string make = "pass";
  std::string acknowledge = "handled";
  std::string positions;
  std::uint64_t work_us = 0;

  /// Reads the command line. Returns the exit code if the program is to end now.
  std::optional<int> read(int argc, char** argv) {
    galena::common::OptionParser parser("chaos_peer", "A process for chaos.py to hurt, under a global name.",
                                        "  chaos_peer source p --tally=p.tally");
    parser.add("ROLE", &role, "What it is", {.required = true, .one_of = {"source", "relay", "sink"}});
    parser.add("NAME", &name, "Its global name", {.required = true});
    parser.add("--domain", &domain, "Processes of one domain find each other");
    parser.add("--names", &names, "Name services, tcp://host:port", {.commas = true});
    parser.add("--interface", &interface, "Where it listens");
    parser.add("--host_names", &host_names, "0: it hosts no name service", {.least = 0, .most = 1});
    parser.add("--liveness_ms", &liveness_ms, "How long a peer may be silent");
    parser.add("--log", &log, "How much it logs", {.one_of = {"debug", "info", "warning"}});
    parser.add("--buffer_bytes", &buffer_bytes, "Of a source or relay");
    parser.add("--buffer_events", &buffer_events, "Of a source or relay");
    parser.add("--when_full", &when_full, "Of a source or relay", {.one_of = {"wait", "keep_last", "keep_first"}});
    parser.add("--hold_ms", &hold_ms, "Of a source or relay");
    parser.add("--drain_ms", &drain_ms, "Of a source or relay");
    parser.add("--retain_bytes", &retain_bytes, "Of a source or relay");
    parser.add("--expect", &expect, "Identities that a source or relay expects", {.commas = true});
    parser.add("--label", &label, "Who a source's events say they come from; its name if not given");
    parser.add("--tally", &tally, "A file for a source's account");
    parser.add("--size", &size, "Letters of filler at most, of a source's events");
    parser.add("--topics", &topics, "Of a source: made/0, made/1, ... in turn, each with positions of its own; 1: made",
               {.least = 1});
    parser.add("--select", &select, "Topics that a relay or sink wants; none: all", {.commas = true});
    parser.add("--from", &from, "Producers that a relay or sink subscribes to", {.commas = true});
    parser.add("--journal", &journal, "A file for the account of a relay or sink");
    parser.add("--identity", &identity, "Of a relay or sink");
    parser.add("--demand", &demand, "Of a relay or sink: events at a time");
    parser.add("--make", &make, "What a relay publishes: the event as it is, or a new one",
               {.one_of = {"pass", "copy"}});
    parser.add("--acknowledge", &acknowledge, "When a relay does", {.one_of = {"handled", "downstream"}});
    parser.add("--positions", &positions, "A file for a sink's positions");
    parser.add("--work_us", &work_us, "How long a sink's handler takes");
    const auto code = parser.parse(argc, argv);
    if (label.empty()) label = name;
    return code;
  }
};

}  // namespace chaos
