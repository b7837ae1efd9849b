// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "bench_task.hpp"

/// The two halves of each measurement. A receiver prints `ready PEER` when the sender may come, where PEER is what the
/// sender's task must say; each prints its report as a line at the end. Then it waits to be ended, so that neither half
/// disturbs the other by going.
namespace galena::cli {

/// Runs the half that the task says, in this process. Returns the exit code.
int run_bench_role(const BenchTask& task);

void galena_send(const BenchTask& task);
void galena_receive(const BenchTask& task);
void raw_send(const BenchTask& task);
void raw_receive(const BenchTask& task);
void tcp_send(const BenchTask& task);
void tcp_receive(const BenchTask& task);

/// For the halves: what they tell the one who started them.
void say_ready(const std::string& peer);
void say_report(const BenchReport& report);

/// For senders and receivers that hear nothing for so long.
inline constexpr int bench_patience_ms = 10'000;

}  // namespace galena::cli
