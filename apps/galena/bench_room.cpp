// SPDX-License-Identifier: Apache-2.0
#include "bench_room.hpp"

#include <zmq.h>

namespace galena::cli {

namespace {

/// Options that not every version of the library has.
template <class Options>
void set_if_known(Options& options, const BenchShape& shape) {
  if constexpr (requires { options.threads; }) options.threads = shape.idle && shape.idle_pairs > 0 ? 1 : 0;
  if constexpr (requires { options.prefer_ipc; }) options.prefer_ipc = shape.transport == Transport::ipc;
}

NodeOptions node_options_for(const BenchTask& task) {
  NodeOptions options{.domain = task.peer, .interface = "lo"};
  set_if_known(options, task.shape);
  return options;
}

}  // namespace

Room::Room(const BenchTask& task) {
  const System system = task.shape.system;
  if (system == System::galena) node_ = std::make_unique<Node>(node_options_for(task));
  if (system == System::raw || system == System::pubsub) zmq_ = zmq_ctx_new();
}

Room::~Room() {
  if (zmq_ != nullptr) zmq_ctx_term(zmq_);
}

}  // namespace galena::cli
