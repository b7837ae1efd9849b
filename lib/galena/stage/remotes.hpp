// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "galena/stage/remote.hpp"

namespace galena::detail {

/// What Node::ingest() sends through: a Remote for each name, made when it is first asked for. Each has a connection,
/// so that only those that were used last are kept. Any thread.
class Remotes {
 public:
  /// More are kept only while more calls are going on at a time.
  static constexpr std::size_t most_kept = 64;

  explicit Remotes(std::shared_ptr<NodeCore> node) : node_(std::move(node)) {}

  /// The caller has it until its event is answered or given up.
  std::shared_ptr<Remote> to(const Name& name, bool values) {
    std::vector<std::shared_ptr<Remote>> gone;  // is destroyed after the lock: that waits for the node's loop
    const std::lock_guard lock(mutex_);
    Kept& kept = remotes_[{(name.is_global ? "g:" : "l:") + name.text, values}];
    // Its calls wait for their answers, so nothing is left to be drained.
    if (!kept.remote)
      kept.remote = std::make_shared<Remote>(node_, name, values, RemoteProducerOptions{.drain = Duration::zero()});
    kept.used = ++uses_;
    std::shared_ptr<Remote> remote = kept.remote;
    while (remotes_.size() > most_kept && drop_one(gone)) {
    }
    return remote;
  }

 private:
  struct Kept {
    std::shared_ptr<Remote> remote;
    std::uint64_t used = 0;  // the number of the last call
  };

  /// Of those that no call has, the one that was used the longest ago. False if there is none.
  bool drop_one(std::vector<std::shared_ptr<Remote>>& gone) {
    auto oldest = remotes_.end();
    for (auto it = remotes_.begin(); it != remotes_.end(); ++it) {
      const bool is_free = it->second.remote.use_count() <= 1;  // nobody gets it without the lock
      if (is_free && (oldest == remotes_.end() || it->second.used < oldest->second.used)) oldest = it;
    }
    if (oldest == remotes_.end()) return false;
    gone.push_back(std::move(oldest->second.remote));
    remotes_.erase(oldest);
    return true;
  }

  const std::shared_ptr<NodeCore> node_;
  std::mutex mutex_;  // guards these
  std::map<std::pair<std::string, bool>, Kept> remotes_;
  std::uint64_t uses_ = 0;
};

}  // namespace galena::detail
