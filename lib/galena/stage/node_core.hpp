// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "galena/base/process.hpp"
#include "galena/names/resolver.hpp"
#include "galena/net/accept.hpp"
#include "galena/net/context.hpp"
#include "galena/net/signals.hpp"
#include "galena/options.hpp"
#include "galena/stage/loop.hpp"

namespace galena::detail {

/// Where a stage can be reached: its endpoints in the order in which they should be tried from here.
struct Target {
  Id stage;
  std::vector<std::string> endpoints;
};

/// What the stages of a Node share: the ZeroMQ context, the thread that keeps names and ticks, and the table of this
/// node's own stages. The resolver of global names is made when the first stage needs it.
class NodeCore : public std::enable_shared_from_this<NodeCore> {
 public:
  using WatchId = std::uint64_t;
  using StopperId = std::uint64_t;

  /// Makes the resolver of a node's global names, on its reactor's thread, when the first of them is needed.
  using MakeResolver =
      std::function<std::unique_ptr<names::Resolver>(net::Context&, net::Reactor&, const NodeOptions&)>;

  /// Throws Error. The default resolver asks Galena's own name services.
  explicit NodeCore(NodeOptions options, MakeResolver make_resolver = make_directory);
  ~NodeCore();
  NodeCore(const NodeCore&) = delete;
  NodeCore& operator=(const NodeCore&) = delete;

  const NodeOptions& options() const { return options_; }
  const Logger& logger() const { return options_.logger; }
  net::Context& context() { return context_; }
  Loop& loop() { return loop_; }
  const Id& id() const { return id_; }
  net::Bell& bell() { return bell_; }
  /// Goes up eight times within the liveness: a busy stage looks at it between two events.
  std::uint64_t ticks() const { return ticks_.load(std::memory_order_relaxed); }

  /// Throws Error in a process that was forked from the node's. Costs one load; for every call that enters the library.
  void check_process() const { process_.check("this Node"); }
  bool is_in_its_process() const { return process_.is_here(); }

  // Any thread; not from the node's own.

  /// Of its own, or one that it shares: see NodeOptions.threads.
  std::shared_ptr<Loop> loop_for_stage();

  /// A stage has started: from now on its local name and its id lead to `endpoint`.
  void add_stage(const Name& name, const Id& stage, const std::string& endpoint);
  void remove_stage(const Name& name, const Id& stage);
  bool has_stage(const Id& stage);
  /// A stage of this node has the local name.
  bool has_local_name(const std::string& name);
  /// Registers a global name. Throws Error: name_taken, unreachable, refused.
  names::Registered register_name(names::Registration registration, Duration timeout,
                                  std::function<void(const std::string& owner)> lost);
  void unregister(const std::string& name, const Id& stage);
  /// The same for a stage that goes on running: its name is free, and it is no longer found here. Does not wait.
  void give_up(const Name& name, const Id& stage);
  void set_subscribers(const std::string& name, const Id& stage, std::uint32_t subscribers);

  /// Posts to `on` what is known of the source, now and whenever it changes.
  WatchId watch(const Source& source, Loop& on, std::function<void(std::optional<Target>)> changed);
  void unwatch(WatchId id);

  std::optional<std::vector<names::Entry>> list(Duration timeout);
  /// Which name services this node asks, for people; or how it could have one.
  std::string services_asked() const;
  std::string service();

  /// `end_waits` is called, on any thread, by stop().
  StopperId add_stopper(std::function<void()> end_waits);
  void remove_stopper(StopperId id);
  /// Ends what waits in all stages.
  void end_waits();

  /// A stage's handler has thrown. Node::run() will rethrow the first.
  void fail(std::exception_ptr failure);
  std::exception_ptr take_failure();

  /// What this node says about itself in a registration.
  names::Registration self() const;

 private:
  struct LocalStage {
    std::string name;
    std::string endpoint;
  };
  struct Watch {
    Source source;
    Loop* on;
    std::function<void(std::optional<Target>)> changed;
    std::optional<names::Resolver::WatchId> global = {};
  };

  names::Resolver& resolver();
  static std::unique_ptr<names::Resolver> make_directory(net::Context& context, net::Reactor& reactor,
                                                         const NodeOptions& options);
  void tick();
  std::optional<Target> find_local(const Source& source) const;
  std::optional<Target> resolve(const std::optional<names::Entry>& entry) const;
  void tell(const Watch& watch, std::optional<Target> target);
  void tell_local_watches(const Id& stage, const std::string& name);

  ProcessMark process_;
  NodeOptions options_;
  MakeResolver make_resolver_;
  Id id_ = Id::random();
  std::string host_id_;
  std::string host_name_;
  net::Context context_;
  std::atomic<std::uint64_t> ticks_{0};
  std::vector<std::shared_ptr<Loop>> shared_loops_;
  std::atomic<std::size_t> next_loop_{0};
  net::Bell bell_;

  std::mutex stoppers_mutex_;  // guards these two
  std::map<StopperId, std::function<void()>> stoppers_;
  StopperId last_stopper_ = 0;

  std::mutex failure_mutex_;
  std::exception_ptr failure_;

  // On the loop's thread only.
  std::map<Id, LocalStage> local_;
  std::map<WatchId, Watch> watches_;
  WatchId last_watch_ = 0;
  std::unique_ptr<names::Resolver> resolver_;

  net::RefusalNotice refusals_;

  Loop loop_;
};

}  // namespace galena::detail
