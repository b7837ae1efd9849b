// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <galena/galena.hpp>

#include "plan/task.hpp"

namespace galena::bench {

/// Where the parts of a run do their work: one of them in a process of its own, or all of them on threads of one.
class Room {
 public:
  /// What becomes of what a part says.
  struct Desk {
    std::function<void(const std::string& peer)> ready;  ///< the next part may come, and this is where it finds it
    std::function<void(const Report&)> report;
    /// Blocks until all are done, so that none disturbs the others by going.
    std::function<void()> wait;
  };

  explicit Room(const Task& task);
  ~Room();
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;

  /// The one Node of the process, on the loopback interface alone.
  Node& node() { return *node_; }
  /// The one context of the process, for those who use libzmq itself.
  void* zmq() { return zmq_; }

 private:
  std::unique_ptr<Node> node_;
  void* zmq_ = nullptr;
};

}  // namespace galena::bench
