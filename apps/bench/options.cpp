// SPDX-License-Identifier: Apache-2.0
#include "options.hpp"

#include "common/option_parser.hpp"
#include "plan/workload.hpp"

namespace galena::bench {

namespace {

const char* const examples = R"(  galena-bench              the whole table, in some minutes
  galena-bench --quick --json
  galena-bench --only throughput,fanout8 --size 64 --rounds 9
  galena-bench --transport ipc --csv --plot bench.svg
  galena-bench --only throughput --vs nats,redis)";

}  // namespace

std::optional<int> parse(int argc, char** argv, Options& options) {
  common::OptionParser parser(
      "galena-bench", "Measures Galena beside libzmq and plain TCP, each workload in turns with its yardsticks.",
      examples);
  parser.add("--quick", &options.quick, "Throughput and latency over TCP alone: ends within 40 seconds");
  parser.add("--json", &options.json, "Print a JSON object: throughput, latency, workloads");
  parser.add("--csv", &options.csv, "Print a line for each workload and system", {.excludes = "--json"});
  parser.add("--plot", &options.plot, "Draw the result into this file, as SVG", {.type = "FILE"});
  parser.add("--rounds", &options.rounds, "How often each is measured", {.type = "N", .least = 1, .most = 1000});
  parser.add("--seconds", &options.seconds, "How long each run sends", {.type = "N", .least = 0.05, .most = 600});
  parser.add("--size", &options.sizes, "Only messages of so many bytes, 16 to 4194304; may be given several times",
             {.type = "BYTES", .least = 16, .most = 4 << 20});
  parser.add("--only", &options.only, "These workloads alone",
             {.type = "WORKLOAD[,...]", .commas = true, .one_of = workload_names()});
  parser.add("--transport", &options.transport, "Over this one alone, and all workloads that can",
             {.type = "WHICH", .one_of = {"tcp", "ipc", "inproc"}});
  parser.add("--vs", &options.versus, "Brokers that are installed as further yardsticks",
             {.type = "BROKER[,...]", .commas = true, .one_of = {"nats", "redis"}});
  parser.add("--window", &options.window, "Galena's subscription asks for so many bytes at a time",
             {.type = "BYTES", .least = 1});
  parser.add("--pairs", &options.pairs, "Of connected stages in the idle process",
             {.type = "N", .least = 1, .most = 10'000});
  parser.add("--role", &options.role, "", {.hidden = true, .takes_rest = true});
  return parser.parse(argc, argv);
}

}  // namespace galena::bench
