// SPDX-License-Identifier: Apache-2.0
// A Node whose names are kept elsewhere than in Galena's name services: here in a map.
#include "galena/names/resolver.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <thread>

#include "galena/stage/node_access.hpp"
#include "galena/stage/node_core.hpp"
#include "galena/stage/remotes.hpp"
#include "stage/stage_fixture.hpp"

namespace galena::test {
namespace {

using namespace std::chrono_literals;

/// The names that several nodes share, as a name service outside of this process would keep them.
class Registry {
 public:
  using Changed = std::function<void(std::optional<names::Entry>)>;

  /// False if the name is another stage's.
  bool put(const names::Registration& registration) {
    const std::lock_guard lock(mutex_);
    const auto [it, added] = entries_.try_emplace(registration.name, names::Entry{registration, {1, {}, 1}, {}});
    if (added) tell(registration.name);
    return added;
  }
  void erase(const std::string& name) {
    const std::lock_guard lock(mutex_);
    entries_.erase(name);
    tell(name);
  }
  std::uint64_t watch(const std::string& name, net::Reactor& reactor, Changed changed) {
    const std::lock_guard lock(mutex_);
    watches_.emplace(++last_watch_, Watch{name, &reactor, std::make_shared<Changed>(std::move(changed))});
    tell(name);
    return last_watch_;
  }
  void unwatch(std::uint64_t id) {
    const std::lock_guard lock(mutex_);
    watches_.erase(id);
  }
  std::optional<names::Entry> find(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto it = entries_.find(name);
    return it == entries_.end() ? std::nullopt : std::optional(it->second);
  }
  bool is_watched(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    return std::any_of(watches_.begin(), watches_.end(), [&](const auto& at) { return at.second.name == name; });
  }
  std::size_t watches() const {
    const std::lock_guard lock(mutex_);
    return watches_.size();
  }
  std::vector<names::Entry> all() const {
    const std::lock_guard lock(mutex_);
    std::vector<names::Entry> all;
    for (const auto& [name, entry] : entries_) all.push_back(entry);
    return all;
  }

 private:
  struct Watch {
    std::string name;
    net::Reactor* reactor;
    std::shared_ptr<Changed> changed;
  };

  void tell(const std::string& name) {
    const auto it = entries_.find(name);
    const auto entry = it == entries_.end() ? std::nullopt : std::optional(it->second);
    for (const auto& [id, watch] : watches_) {
      if (watch.name == name) watch.reactor->post([changed = watch.changed, entry] { (*changed)(entry); });
    }
  }

  mutable std::mutex mutex_;
  std::map<std::string, names::Entry> entries_;
  std::map<std::uint64_t, Watch> watches_;
  std::uint64_t last_watch_ = 0;
};

class FakeResolver final : public names::Resolver {
 public:
  FakeResolver(std::shared_ptr<Registry> registry, net::Reactor& reactor)
      : registry_(std::move(registry)), reactor_(reactor) {}

  void register_name(names::Registration registration, Duration, std::function<void(names::Registered)> done,
                     std::function<void(const names::Entry&)>) override {
    names::Registered registered;
    if (!registry_->put(registration)) registered.outcome = names::Outcome::taken;
    registered.entry = registry_->find(registration.name);
    reactor_.post([done = std::move(done), registered] { done(registered); });
  }
  void unregister(const std::string& name, const Id&, Duration, std::function<void()> done) override {
    registry_->erase(name);
    reactor_.post(std::move(done));
  }
  void set_subscribers(const std::string&, const Id&, std::uint32_t) override {}
  WatchId watch(const std::string& name, std::function<void(std::optional<names::Entry>)> changed) override {
    return registry_->watch(name, reactor_, std::move(changed));
  }
  void unwatch(WatchId id) override { registry_->unwatch(id); }
  void list(Duration, std::function<void(std::optional<std::vector<names::Entry>>)> done) override {
    reactor_.post([done = std::move(done), all = registry_->all()] { done(all); });
  }
  std::string service() const override { return "a map"; }

 private:
  std::shared_ptr<Registry> registry_;
  net::Reactor& reactor_;
};

std::unique_ptr<detail::NodeCore> core_with(const Realm& realm, const std::shared_ptr<Registry>& registry) {
  return std::make_unique<detail::NodeCore>(realm.options(),
                                            [registry](net::Context&, net::Reactor& reactor, const NodeOptions&) {
                                              return std::make_unique<FakeResolver>(registry, reactor);
                                            });
}

TEST_CASE("stages find each other by the names of any resolver, without a name service of ours") {
  Realm realm;
  const auto registry = std::make_shared<Registry>();
  Node here(core_with(realm, registry));
  Node there(core_with(realm, registry));
  Keep keep;
  Consumer<Keep> consumer(here, keep, of(global("p")));
  std::optional<Producer<>> producer(std::in_place, there, ProducerOptions{.name = global("p")});
  producer->ingest("t", "0");
  REQUIRE(keep.events->wait_for(1));
  CHECK(here.list().size() == 1);
  CHECK(here.stats(global("p")).ingested == 1);
  CHECK(detail::NodeAccess::core(here)->service() == "a map");
  CHECK_THROWS_AS(Producer<>(here, {.name = global("p")}), Error);
  producer.reset();
  CHECK(registry->all().empty());
  Producer<> successor(here, {.name = global("p")});
  successor.ingest("t", "1");
  REQUIRE(keep.events->wait_for(2));
  // A node that asks the name services of the same domain finds nothing: none was used.
  Node stranger(realm.options());
  CHECK(stranger.list().empty());
}

TEST_CASE("a node that ingests into ever new names keeps a connection for those that it used last, and no more") {
  Realm realm;
  const auto registry = std::make_shared<Registry>();
  Node here(core_with(realm, registry));
  Node there(core_with(realm, registry));
  Producer<> used(there, {.name = global("used")});
  Producer<> full(there, {.name = global("full"), .buffer_events = 1});
  here.ingest(global("full"), "t", "0");
  std::thread waits([&] { here.ingest(global("full"), "t", "1", {.timeout = 2 * patience}); });  // has one all the time
  REQUIRE(eventually([&] { return there.stats(global("full")).outstanding == 1 && registry->is_watched("full"); }));
  for (int n = 0; n < 200; ++n) {
    here.ingest(global("used"), "t", n);
    CHECK_THROWS_AS(here.ingest(global("nobody" + std::to_string(n)), "t", n, {.timeout = 0s}), Error);
  }
  CHECK(registry->watches() == detail::Remotes::most_kept);
  CHECK(registry->is_watched("used"));
  CHECK(registry->is_watched("full"));
  CHECK(registry->is_watched("nobody199"));
  CHECK_FALSE(registry->is_watched("nobody0"));
  CHECK(used.stats().ingested == 200);
  Keep keep;
  Consumer<Keep> consumer(there, keep, of(global("full")));
  waits.join();
  CHECK(keep.events->wait_for(2));
}

}  // namespace
}  // namespace galena::test
