// SPDX-License-Identifier: Apache-2.0
#include "bench_roles.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <cstdio>
#include <exception>

#include "child.hpp"

namespace galena::cli {

int run_bench_role(const BenchTask& task) {
  die_with_parent();
  try {
    switch (task.system) {
      case System::galena:
        task.sends ? galena_send(task) : galena_receive(task);
        break;
      case System::raw:
        task.sends ? raw_send(task) : raw_receive(task);
        break;
      case System::tcp:
        task.sends ? tcp_send(task) : tcp_receive(task);
        break;
    }
  } catch (const std::exception& error) {
    fmt::print(stderr, "galena bench: {} {}: {}\n", to_string(task.system), task.sends ? "sender" : "receiver",
               error.what());
    return 1;
  }
  return 0;
}

void say_ready(const std::string& peer) {
  fmt::print("ready {}\n", peer);
  std::fflush(stdout);
}

void say_report(const BenchReport& report) {
  fmt::print("{}\n", to_line(report));
  std::fflush(stdout);
}

}  // namespace galena::cli
