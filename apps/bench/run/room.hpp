// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <galena/galena.hpp>

#include "plan/task.hpp"

namespace galena::bench {

/// What the parts of a run in one process share: its Node, or its libzmq context. A process has one part, or all parts
/// of a run on threads of their own.
class Room {
 public:
  /// What a part calls to tell the others how far it is.
  struct Desk {
    std::function<void(const std::string& peer)> ready;  ///< this part is ready; the next one finds it at `peer`
    std::function<void(const Report&)> report;
    /// Blocks until all parts are done, so that none disturbs the others by ending.
    std::function<void()> wait;
  };

  explicit Room(const Task& task);
  ~Room();
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;

  /// The one Node of the process, on the loopback interface alone.
  Node& node() { return *node_; }
  /// The libzmq context of the process, for parts that use libzmq itself; else nullptr.
  void* zmq() { return zmq_; }

 private:
  std::unique_ptr<Node> node_;
  void* zmq_ = nullptr;
};

}  // namespace galena::bench
