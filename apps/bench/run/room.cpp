// SPDX-License-Identifier: Apache-2.0
#include "run/room.hpp"

#include <zmq.h>

namespace galena::bench {

namespace {

NodeOptions node_options_for(const Task& task) {
  const Shape& shape = task.shape;
  return {.domain = task.peer,
          .interface = "lo",
          .threads = shape.idle && shape.idle_pairs > 0 ? 1UL : 0UL,
          .prefer_ipc = shape.transport == Transport::ipc};
}

}  // namespace

Room::Room(const Task& task) {
  const System system = task.shape.system;
  if (system == System::galena) node_ = std::make_unique<Node>(node_options_for(task));
  if (system == System::raw || system == System::pubsub) zmq_ = zmq_ctx_new();
}

Room::~Room() {
  if (zmq_ != nullptr) zmq_ctx_term(zmq_);
}

}  // namespace galena::bench
