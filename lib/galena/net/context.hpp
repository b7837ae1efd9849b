// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <zmq.hpp>

namespace galena::net {

/// One libzmq context, set up for many sockets. The first one also raises the process's descriptor limit to its hard
/// limit and seeds rand(), from which libzmq draws routing ids that a stranger must not be able to guess.
class Context {
 public:
  Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  zmq::context_t& zmq() { return context_; }

 private:
  zmq::context_t context_;
};

}  // namespace galena::net
