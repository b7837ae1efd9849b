// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "galena/stage/remote.hpp"

namespace galena::detail {

/// What Node::ingest() sends through: a Remote for each name, made when first asked for. Any thread.
class Remotes {
 public:
  explicit Remotes(std::shared_ptr<NodeCore> node) : node_(std::move(node)) {}

  Remote& to(const Name& name, bool values) {
    const std::lock_guard lock(mutex_);
    auto& remote = remotes_[{(name.is_global ? "g:" : "l:") + name.text, values}];
    // Its calls wait for their answers, so nothing is left to be drained.
    if (!remote)
      remote = std::make_unique<Remote>(node_, name, values, RemoteProducerOptions{.drain = Duration::zero()});
    return *remote;
  }

 private:
  const std::shared_ptr<NodeCore> node_;
  std::mutex mutex_;
  std::map<std::pair<std::string, bool>, std::unique_ptr<Remote>> remotes_;
};

}  // namespace galena::detail
