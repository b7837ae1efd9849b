// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plan/task.hpp"
#include "run/room.hpp"

/// What the processes of a run do. Receivers start first, then relays, proxies and brokers, then senders. Each part
/// says that it is ready and where the next one finds it, reports at the end, and waits until it is ended.
namespace galena::bench {

/// Does the part that the task says, in this process. Returns the exit code.
int run_role(const Task& task);

void galena_send(Room& room, const Room::Desk& desk, const Task& task);
void galena_receive(Room& room, const Room::Desk& desk, const Task& task);
void galena_relay(Room& room, const Room::Desk& desk, const Task& task);
void galena_idle(Room& room, const Room::Desk& desk, const Task& task);
void raw_send(Room& room, const Room::Desk& desk, const Task& task);
void raw_receive(Room& room, const Room::Desk& desk, const Task& task);
void raw_relay(Room& room, const Room::Desk& desk, const Task& task);
void pubsub_send(Room& room, const Room::Desk& desk, const Task& task);
void pubsub_receive(Room& room, const Room::Desk& desk, const Task& task);
void tcp_send(Room& room, const Room::Desk& desk, const Task& task);
void tcp_receive(Room& room, const Room::Desk& desk, const Task& task);
void broker_send(Room& room, const Room::Desk& desk, const Task& task);
void broker_receive(Room& room, const Room::Desk& desk, const Task& task);
void broker_serve(Room& room, const Room::Desk& desk, const Task& task);
void delay_proxy(Room& room, const Room::Desk& desk, const Task& task);

/// How long a part waits for a sign of its peer before it fails.
inline constexpr int patience_ms = 10'000;
/// How long a receiver waits for its last event before it fails.
inline Duration patience_with(const Task& task) {
  return std::chrono::milliseconds(patience_ms + static_cast<int>(task.shape.seconds * 2000));
}

}  // namespace galena::bench
