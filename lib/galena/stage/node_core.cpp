// SPDX-License-Identifier: Apache-2.0
#include "galena/stage/node_core.hpp"

#include <unistd.h>

#include <algorithm>
#include <future>

#include <fmt/format.h>

#include "galena/base/join.hpp"
#include "galena/error.hpp"
#include "galena/names/directory.hpp"
#include "galena/net/interface.hpp"
#include "galena/stage/environment.hpp"
#include "galena/stage/host.hpp"

namespace galena::detail {
namespace {

constexpr Duration unregister_within = std::chrono::milliseconds(500);

NodeOptions with_environment(NodeOptions options) {
  options.domain = domain_or_environment(std::move(options.domain));
  options.names = names_or_environment(std::move(options.names));
  if (options.liveness < std::chrono::milliseconds(50)) {
    throw Error(ErrorCode::invalid, "NodeOptions.liveness must be at least 50 ms");
  }
  if (!options.interface.empty() && net::interfaces(options.interface).empty()) {
    throw Error(
        ErrorCode::invalid,
        fmt::format("there is no interface '{}' with an IPv4 address; `ip -4 addr` lists them", options.interface));
  }
  return options;
}

}  // namespace

NodeCore::NodeCore(NodeOptions options, MakeResolver make_resolver)
    : options_(with_environment(std::move(options))),
      make_resolver_(std::move(make_resolver)),
      host_id_(host_id()),
      host_name_(host_name()),
      context_(options_.tune_process) {
  for (std::size_t i = 0; i < options_.threads; ++i) shared_loops_.push_back(std::make_shared<Loop>(true));
  loop_.call([this] { tick(); });
}

NodeCore::~NodeCore() {
  loop_.call([this] { resolver_.reset(); });
}

void NodeCore::tick() {
  ticks_.fetch_add(1, std::memory_order_relaxed);
  refusals_.look(logger());
  loop_.reactor().after(options_.liveness / 8, [this] { tick(); });
}

std::shared_ptr<Loop> NodeCore::loop_for_stage() {
  check_process();
  if (shared_loops_.empty()) return std::make_shared<Loop>();
  return shared_loops_[next_loop_++ % shared_loops_.size()];
}

std::unique_ptr<names::Resolver> NodeCore::make_directory(net::Context& context, net::Reactor& reactor,
                                                          const NodeOptions& options) {
  names::DirectoryOptions directory;
  directory.domain = options.domain;
  directory.services = options.names;
  directory.interface = options.interface;
  directory.host = options.host_names && options.names.empty();
  return std::make_unique<names::Directory>(context, reactor, std::move(directory), options.logger);
}

std::string NodeCore::services_asked() const {
  if (!options_.names.empty()) return fmt::format("asked: {}", join(options_.names, ", "));
  return "start one with `galena names`, or let a Node host one, or say where one is with --names or "
         "NodeOptions::names";
}

names::Resolver& NodeCore::resolver() {
  if (!resolver_) resolver_ = make_resolver_(context_, loop_.reactor(), options_);
  return *resolver_;
}

void NodeCore::add_stage(const Name& name, const Id& stage, const std::string& endpoint) {
  if (endpoint.empty()) return;  // nobody can subscribe to it
  loop_.call([&] {
    if (!name.empty() && !name.is_global) {
      const bool taken =
          std::any_of(local_.begin(), local_.end(), [&](const auto& at) { return at.second.name == name.text; });
      if (taken) {
        throw Error(ErrorCode::name_taken,
                    fmt::format("this Node has a stage of the local name '{}' already", name.text));
      }
    }
    local_[stage] = {name.is_global ? "" : name.text, endpoint};
    tell_local_watches(stage, local_[stage].name);
  });
}

void NodeCore::remove_stage(const Name& name, const Id& stage) {
  loop_.call([&] {
    if (local_.erase(stage) > 0) tell_local_watches(stage, name.is_global ? "" : name.text);
  });
}

bool NodeCore::has_stage(const Id& stage) {
  bool found = false;
  loop_.call([&] { found = local_.contains(stage); });
  return found;
}

bool NodeCore::has_local_name(const std::string& name) {
  bool found = false;
  loop_.call([&] { found = find_local(Name(name)).has_value(); });
  return found;
}

names::Registration NodeCore::self() const {
  names::Registration self;
  self.node = id_;
  self.host_id = host_id_;
  self.host_name = host_name_;
  self.pid = static_cast<std::uint64_t>(getpid());
  return self;
}

names::Registered NodeCore::register_name(names::Registration registration, Duration timeout,
                                          std::function<void(const std::string&)> lost) {
  using Outcome = names::Outcome;
  const std::string name = registration.name;
  std::promise<names::Registered> promise;
  loop_.call([&] {
    resolver().register_name(
        std::move(registration), timeout,
        [&promise](names::Registered registered) { promise.set_value(std::move(registered)); },
        [lost = std::move(lost)](const names::Entry& owner) {
          if (lost) lost(fmt::format("{} (process {})", owner.registration.host_name, owner.registration.pid));
        });
  });
  names::Registered registered = promise.get_future().get();
  switch (registered.outcome) {
    case Outcome::ok:
      break;
    case Outcome::taken: {
      const names::Entry& owner = registered.entry.value();
      throw Error(ErrorCode::name_taken,
                  fmt::format("the name '{}' is taken: process {} on {} has had it for {:.1f} s, and answers{}", name,
                              owner.registration.pid, owner.registration.host_name, in_seconds(owner.age),
                              owner.registration.endpoints.empty()
                                  ? ""
                                  : fmt::format(" (at {})", join(owner.registration.endpoints, ", "))));
    }
    case Outcome::unreachable:
      throw Error(ErrorCode::unreachable,
                  fmt::format("no name service answered within {:.1f} s, so '{}' cannot be registered ({})",
                              in_seconds(timeout), name, services_asked()));
    case Outcome::refused:
      throw Error(ErrorCode::refused, fmt::format("the name service refused '{}': {}", name, registered.reason));
  }
  return registered;
}

void NodeCore::unregister(const std::string& name, const Id& stage) {
  std::promise<void> promise;
  loop_.call([&] { resolver().unregister(name, stage, unregister_within, [&promise] { promise.set_value(); }); });
  promise.get_future().get();
}

void NodeCore::give_up(const Name& name, const Id& stage) {
  loop_.post([=, this] {
    if (name.is_global) resolver().unregister(name.text, stage, unregister_within, [] {});
    if (local_.erase(stage) > 0) tell_local_watches(stage, name.is_global ? "" : name.text);
  });
}

void NodeCore::set_subscribers(const std::string& name, const Id& stage, std::uint32_t subscribers) {
  loop_.post([=, this] {
    if (resolver_) resolver_->set_subscribers(name, stage, subscribers);
  });
}

NodeCore::WatchId NodeCore::watch(const Source& source, Loop& on, std::function<void(std::optional<Target>)> changed) {
  WatchId id = 0;
  loop_.call([&] {
    id = ++last_watch_;
    Watch& watch = watches_.emplace(id, Watch{source, &on, std::move(changed)}).first->second;
    if (source.stage || !source.name.is_global) {
      tell(watch, find_local(source));
      return;
    }
    watch.global = resolver().watch(source.name.text, [this, id](const std::optional<names::Entry>& entry) {
      if (const auto it = watches_.find(id); it != watches_.end()) tell(it->second, resolve(entry));
    });
  });
  return id;
}

void NodeCore::unwatch(WatchId id) {
  loop_.call([&] {
    const auto it = watches_.find(id);
    if (it == watches_.end()) return;
    if (it->second.global) resolver().unwatch(*it->second.global);
    watches_.erase(it);
  });
}

void NodeCore::tell(const Watch& watch, std::optional<Target> target) {
  watch.on->post([changed = watch.changed, target = std::move(target)] { changed(target); });
}

std::optional<Target> NodeCore::find_local(const Source& source) const {
  for (const auto& [stage, local] : local_) {
    if (source.stage ? stage == source.stage : local.name == source.name.text) return Target{stage, {local.endpoint}};
  }
  return std::nullopt;
}

void NodeCore::tell_local_watches(const Id& stage, const std::string& name) {
  for (const auto& [id, watch] : watches_) {
    if (watch.global) continue;
    const bool concerned = watch.source.stage ? watch.source.stage == stage : watch.source.name.text == name;
    if (concerned) tell(watch, find_local(watch.source));
  }
}

/// Orders the endpoints: within a node inproc first; on one host TCP over loopback (faster than ipc for large frames),
/// then ipc, or the other way round if the options prefer it; then the others.
std::optional<Target> NodeCore::resolve(const std::optional<names::Entry>& entry) const {
  if (!entry) return std::nullopt;
  const names::Registration& owner = entry->registration;
  const bool same_node = owner.node == id_;
  const bool same_host = owner.host_id == host_id_;
  const auto rank = [&](const std::string& endpoint) {
    if (endpoint.starts_with("inproc://")) return same_node ? 0 : -1;
    if (net::is_loopback(endpoint)) return same_host ? (options_.prefer_ipc ? 2 : 1) : -1;
    if (endpoint.starts_with("ipc://")) return same_host ? (options_.prefer_ipc ? 1 : 2) : -1;
    return 3;
  };
  std::vector<std::string> endpoints;
  for (int wanted = 0; wanted <= 3; ++wanted) {
    for (const std::string& endpoint : owner.endpoints) {
      if (rank(endpoint) == wanted) endpoints.push_back(endpoint);
    }
  }
  return Target{owner.stage, std::move(endpoints)};
}

std::optional<std::vector<names::Entry>> NodeCore::list(Duration timeout) {
  std::promise<std::optional<std::vector<names::Entry>>> promise;
  loop_.call([&] {
    resolver().list(timeout, [&promise](std::optional<std::vector<names::Entry>> entries) {
      promise.set_value(std::move(entries));
    });
  });
  return promise.get_future().get();
}

std::string NodeCore::service() {
  std::string service;
  loop_.call([&] { service = resolver().service(); });
  return service;
}

NodeCore::StopperId NodeCore::add_stopper(std::function<void()> end_waits) {
  const std::lock_guard lock(stoppers_mutex_);
  stoppers_.emplace(++last_stopper_, std::move(end_waits));
  return last_stopper_;
}

void NodeCore::remove_stopper(StopperId id) {
  const std::lock_guard lock(stoppers_mutex_);
  stoppers_.erase(id);
}

void NodeCore::end_waits() {
  const std::lock_guard lock(stoppers_mutex_);
  for (const auto& [id, stop] : stoppers_) stop();
}

void NodeCore::fail(std::exception_ptr failure) {
  {
    const std::lock_guard lock(failure_mutex_);
    if (!failure_) failure_ = std::move(failure);
  }
  bell_.ring();
}

std::exception_ptr NodeCore::take_failure() {
  const std::lock_guard lock(failure_mutex_);
  return std::exchange(failure_, nullptr);
}

}  // namespace galena::detail
