// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "bench_room.hpp"
#include "bench_task.hpp"

/// What the processes of a run do. Each part says that it is ready, and where the next one finds it; receivers come
/// first, then what stands between, then senders. Each reports at the end, and waits to be ended.
namespace galena::cli {

/// Does the part that the task says, in this process. Returns the exit code.
int run_bench_role(const BenchTask& task);

void galena_send(Room& room, const Room::Desk& desk, const BenchTask& task);
void galena_receive(Room& room, const Room::Desk& desk, const BenchTask& task);
void galena_relay(Room& room, const Room::Desk& desk, const BenchTask& task);
void galena_idle(Room& room, const Room::Desk& desk, const BenchTask& task);
void raw_send(Room& room, const Room::Desk& desk, const BenchTask& task);
void raw_receive(Room& room, const Room::Desk& desk, const BenchTask& task);
void raw_relay(Room& room, const Room::Desk& desk, const BenchTask& task);
void pubsub_send(Room& room, const Room::Desk& desk, const BenchTask& task);
void pubsub_receive(Room& room, const Room::Desk& desk, const BenchTask& task);
void tcp_send(Room& room, const Room::Desk& desk, const BenchTask& task);
void tcp_receive(Room& room, const Room::Desk& desk, const BenchTask& task);
void broker_send(Room& room, const Room::Desk& desk, const BenchTask& task);
void broker_receive(Room& room, const Room::Desk& desk, const BenchTask& task);
void broker_serve(Room& room, const Room::Desk& desk, const BenchTask& task);
void delay_proxy(Room& room, const Room::Desk& desk, const BenchTask& task);

/// For those that hear nothing for so long.
inline constexpr int bench_patience_ms = 10'000;
/// How long a receiver waits for its last event.
inline Duration bench_patience(const BenchTask& task) {
  return std::chrono::milliseconds(bench_patience_ms + static_cast<int>(task.shape.seconds * 2000));
}

}  // namespace galena::cli
