// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "galena/detail/message.hpp"
#include "galena/export.hpp"
#include "galena/options.hpp"
#include "galena/stats.hpp"
#include "galena/until.hpp"

namespace galena {

namespace detail {
class NodeCore;
class Remotes;
struct NodeAccess;
}  // namespace detail

struct IngestOptions {
  Duration timeout = std::chrono::seconds(10);
  std::stop_token stop = {};  ///< a request ends the wait, too
};

/// A name that is registered, as `galena ls` shows it.
struct NameEntry {
  std::string name;
  std::string kind;  ///< producer, producer-consumer, consumer
  std::vector<std::string> endpoints;
  std::string host;
  std::uint64_t pid = 0;
  Duration age{};
  std::uint32_t subscribers = 0;  ///< as of its last renewal
};

/// A program's part of a Galena network: finds names, and keeps those of its stages. What it holds lives until the last
/// of its stages is gone, so the order of destruction does not matter. The first one tunes the process, see
/// NodeOptions::tune_process. It starts threads, which fork() does not copy: in a child, whatever is called of a Node
/// and its stages throws Error (invalid), and their destructors do nothing. Fork before you make the first Node, or
/// make another one in the child. Thread: all members from any thread, unless they say otherwise.
class GALENA_API Node {
 public:
  explicit Node(NodeOptions options = {});
  explicit Node(std::unique_ptr<detail::NodeCore> core);  ///< for the library's own tests
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// Blocks until SIGINT or SIGTERM comes, stop() is called, or a stage of this node fails, whose exception it then
  /// rethrows. Handles these two signals only while it runs. A signal that the program ignores stays ignored (`nohup`).
  /// A second one, 200 ms or more after the first, does what it would without Galena: usually it ends the program.
  void run();
  /// The same, no longer than `until` (a timeout, a std::stop_token, or both). False if that ended it.
  [[nodiscard]] bool run_for(const Until& until);
  /// Makes run() return, and ends every call that waits in a stage of this node: ingest() throws Error (stopped),
  /// drain() and wait_for_subscribers() return false, wait() returns. From then on none of them waits without a
  /// timeout. May be called from handlers and other threads; a signal that ends run() does the same.
  void stop();

  /// Hands an event to a producer without a handler that runs elsewhere (or here), and returns when that has accepted
  /// it. Waits while its buffer is full. Throws Error. The event was not taken: refused, with the reason; unreachable,
  /// if nobody has the name; timeout; invalid; stopped. It may have been taken: unknown, if it was sent and not
  /// answered.
  template <class M>
  void ingest(const Name& producer, std::string_view topic, const M& message, IngestOptions options = {}) {
    ingest_event(producer, detail::view_of(topic, message), false, {options.timeout, std::move(options.stop)});
  }
  /// The same for a producer with a handler: runs its handle_produce(value) there.
  template <class V>
  void ingest_value(const Name& producer, const V& value, IngestOptions options = {}) {
    ingest_event(producer, detail::view_of({}, value), true, {options.timeout, std::move(options.stop)});
  }

  /// All registered names. Throws Error (unreachable) if no name service answers within `timeout`.
  std::vector<NameEntry> list(Duration timeout = std::chrono::seconds(2));

  /// How the subscriptions of a producer stand, wherever it runs: what its stats() would say, at most 1,000
  /// subscriptions. Blocks; a handler that asks about its own stage only waits in vain. Throws Error: unreachable, if
  /// nobody has the name; timeout, if it does not answer.
  ProducerStats stats(const Name& producer, Duration timeout = std::chrono::seconds(2));

  const NodeOptions& options() const;

 private:
  friend struct detail::NodeAccess;

  void ingest_event(const Name& producer, const EventView& event, bool is_value, const Until& until);

  std::shared_ptr<detail::NodeCore> core_;  // its stages share it
  std::unique_ptr<detail::Remotes> remotes_;
};

}  // namespace galena
