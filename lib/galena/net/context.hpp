// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <zmq.hpp>

namespace galena::net {

/// One libzmq context, set up for as many sockets as there may be descriptors.
class Context {
 public:
  /// `tune_process`: the first such context of a process does to the process what NodeOptions::tune_process says.
  /// Throws Error (system) if there are too few descriptors.
  explicit Context(bool tune_process = true);
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  zmq::context_t& zmq() { return context_; }

 private:
  zmq::context_t context_;
};

}  // namespace galena::net
