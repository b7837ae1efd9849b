// SPDX-License-Identifier: Apache-2.0
#include "galena/detail/stage.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <future>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "galena/base/assert.hpp"
#include "galena/error.hpp"
#include "galena/stage/ending.hpp"
#include "galena/stage/hints.hpp"
#include "galena/stage/intake.hpp"
#include "galena/stage/node_access.hpp"
#include "galena/stage/node_core.hpp"
#include "galena/stage/publisher.hpp"
#include "galena/stage/stage_options.hpp"

namespace galena::detail {
namespace {

names::Kind kind_of(Role role) {
  switch (role) {
    case Role::producer:
      return names::Kind::producer;
    case Role::producer_consumer:
      return names::Kind::producer_consumer;
    case Role::consumer:
      break;
  }
  return names::Kind::consumer;
}

/// What a handler threw, for people.
std::string text_of(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "what it threw is no std::exception";
  }
}

}  // namespace

class Stage::Impl final {
 public:
  Impl(Node& node, Spec spec) : core_(NodeAccess::core(node)), spec_(std::move(spec)) {
    label_ = name().empty() ? "stage " + id_.brief() : name().text;
    try {
      start();
    } catch (...) {
      node_.remove_stopper(stopper_);
      loop_.call([this] { end(); });
      if (registered_) node_.unregister(name().text, id_);
      if (added_) node_.remove_stage(name(), id_);
      throw;
    }
  }

  ~Impl() {
    GALENA_ASSERT(!loop_.is_here(),
                  "a stage was destroyed inside its own handler, or one on the same thread: " + label_);
    node_.remove_stopper(stopper_);
    close_publishing();
    end_waits();
    // No more input; what was made of it so far is drained, and acknowledged to where it came from.
    if (publisher_) {
      loop_.call([] {});  // what comes from elsewhere is refused
      publisher_->join_handlers();
    }
    handle_arrived();
    loop_.call([this] {
      intake_->stop_taking();
      if (publisher_) publisher_->begin_drain();
    });
    if (publisher_) drain_at_end();
    loop_.call([this] { intake_->end(); });
    if (registered_) node_.unregister(name().text, id_);
    node_.remove_stage(name(), id_);
    loop_.call([this] { end(); });
  }

  bool is_in_its_process() const { return node_.is_in_its_process(); }
  const Id& id() const { return id_; }
  const Name& name() const { return spec_.options.name; }
  std::uint32_t waiting() const { return waiting_; }

  OutletDriver* driver() { return publisher_ ? &publisher_->driver() : nullptr; }
  HandlerLock& handler_lock() { return handler_lock_; }
  Sink& handler_sink() { return handler_sink_; }
  Publisher& publisher() {
    GALENA_ASSERT(publisher_ != nullptr, "a consumer publishes nothing");
    return *publisher_;
  }

  ConsumerStats consumer_stats() const { return intake_->stats(); }
  bool wait(const Until& until) { return ending_.wait(until); }

  bool drain(const Until& until) {
    return publisher().driver().drain(until, [this] { return !intake_->waits(); });
  }

  /// Ends all calls that wait, those of its own handler in other stages as well. From now on none waits for ever.
  void end_waits() {
    if (publisher_) publisher_->end_waits();
    if (!shares_loop()) loop_.end_waits();
    ending_.stop();
  }

  /// The same; and it takes nothing in any more.
  void close() {
    close_publishing();
    end_waits();
    end_input();
  }

  void stop_input() {
    const auto stop = [this] {
      intake_->stop_taking();
      if (publisher_) publisher_->transmit();  // what was made of half a frame
    };
    if (!loop_.is_here()) return loop_.call(stop);
    loop_.post([self = std::weak_ptr(self_), stop] {  // not from within a handler: an event is being taken
      if (self.lock()) stop();
    });
  }

 private:
  void start() {
    check(spec_.options);
    check_tick();
    const bool publishes = spec_.role != Role::consumer;
    loop_.call([&] {
      if (publishes) {
        publisher_ = std::make_unique<Publisher>(loop_, node_.context(), node_.logger(), publisher_options());
      }
    });
    stopper_ = node_.add_stopper([this] { end_waits(); });
    node_.add_stage(name(), id_, publishes ? publisher_->local_endpoint() : "");
    added_ = true;
    if (name().is_global) register_name();
    for (Subscription& subscription : spec_.options.subscriptions) find_source(subscription.producer);
    if (spec_.role != Role::producer && spec_.options.subscriptions.empty()) {
      node_.logger().warning(fmt::format("{}: has no subscriptions, so that no event will ever reach it", label_));
    }
    loop_.call([this] {
      intake_ = std::make_unique<Intake>(node_, intake_options());
      intake_->start(loop_, id_);
      loop_.reactor().after(hint_after, [this, self = std::weak_ptr(self_)] {
        if (self.lock()) intake_->give_hints();
      });
    });
  }

  void check_tick() const {
    const bool has_tick = spec_.calls.on_tick != nullptr;
    const Duration tick = publish().tick;
    if (tick < Duration::zero() || has_tick != (tick > Duration::zero())) {
      throw Error(ErrorCode::invalid,
                  fmt::format("{}: {}", label_,
                              has_tick ? "its handler has handle_tick: say how often it is called, by `tick`"
                                       : "its handler has no handle_tick, which `tick` would call"));
    }
  }

  /// A stage that was given by its variable must be one of this node; if not, it can be found by its global name.
  void find_source(Source& source) const {
    if (!source.stage || node_.has_stage(source.stage)) return;
    if (!source.name.is_global) {
      throw Error(ErrorCode::invalid,
                  fmt::format("{} subscribes to {}, which is not a stage of the same Node: give that stage a global "
                              "name, and subscribe to galena::global(name)",
                              label_, source.text()));
    }
    source.stage = Id{};
  }

  void register_name() {
    names::Registration registration = node_.self();
    registration.name = name().text;
    registration.kind = kind_of(spec_.role);
    registration.stage = id_;
    if (publisher_) registration.endpoints = publisher_->endpoints();
    const auto registered = node_.register_name(std::move(registration), publish().register_within,
                                                [self = std::weak_ptr(self_)](const std::string& owner) {
                                                  if (const auto impl = self.lock()) (*impl)->note_name_lost(owner);
                                                });
    registered_ = true;
    waiting_ = registered.waiting;
    if (node_.logger().wants(LogLevel::info)) {
      node_.logger().info(fmt::format("{}: registered at {}, {} waiting for it", label_, node_.service(), waiting_));
    }
  }

  const ProducerOptions& publish() const { return spec_.options.publish; }

  Publisher::Options publisher_options() {
    Publisher::Options publisher;
    publisher.is_global = name().is_global;
    publisher.interface = node_.options().interface;
    publisher.handler = {spec_.calls.handler.get(), spec_.calls.on_produce, &handler_lock_};
    publisher.takes_feeds = spec_.role == Role::producer;
    publisher.driver.outlet = outlet_options(spec_.options, id_, node_.options().liveness);
    publisher.driver.label = label_;
    publisher.driver.shares_loop = shares_loop();
    publisher.driver.on_room = [this] {
      if (intake_) intake_->go_on();
    };
    if (acknowledges_downstream(spec_.options)) {
      publisher.driver.on_acknowledged = [this] {
        if (intake_) intake_->acknowledge();
      };
    }
    if (publish().on_subscriber) {
      publisher.driver.on_change = [this](const core::Outlet::Change& change) { tell(change); };
    }
    publisher.driver.on_subscribers = [this](std::size_t subscribers) {
      if (name().is_global) {
        node_.set_subscribers(name().text, id_, static_cast<std::uint32_t>(subscribers));
      }
    };
    return publisher;
  }

  Intake::Options intake_options() {
    return {.label = label_,
            .calls = spec_.calls,
            .stage = spec_.options,
            .publisher = publisher_.get(),
            .is_relay = spec_.role == Role::producer_consumer,
            .handler_lock = handler_lock_,
            .fail = [this](const std::exception_ptr& failure, const char* why) { fail(failure, why); },
            .finish = [this] { end_input(); },
            .is_stopping = [this] { return ending_.is_stopping(); }};
  }

  /// On the node's thread.
  void note_name_lost(const std::string& owner) {
    node_.logger().warning(fmt::format("{}: the name belongs to {} now", label_, owner));
    if (!publish().on_name_lost) return;
    loop_.post([this, owner, self = std::weak_ptr(self_)] {
      if (!self.lock()) return;
      try {
        publish().on_name_lost(owner);
      } catch (...) {
        fail(std::current_exception(), "its on_name_lost failed");
      }
    });
  }

  void tell(const core::Outlet::Change& change) {
    try {
      publish().on_subscriber(change.subscriber, change.change, change.reason);
    } catch (...) {
      fail(std::current_exception(), "its on_subscriber failed");
    }
  }

  /// The stage stops: its peers are told, its subscriptions end, and wait() and Node::run() rethrow.
  void fail(const std::exception_ptr& failure, const char* why) {
    give_up_name();  // first: who is told of the failure by wait() can give the name to another stage at once
    if (!ending_.fail(failure)) return;
    loop_.post([this, why, self = std::weak_ptr(self_)] {
      if (!self.lock()) return;
      intake_->abandon_handler();
      intake_->stop(core::reason::stopped);
      close_publishing();
      if (publisher_) end_stream(why);
    });
    node_.logger().error(fmt::format("{}: stops: {}: {}", label_, why, text_of(failure)));
    node_.fail(failure);
  }

  void give_up_name() {
    if (!name().is_global || registered_.exchange(false)) node_.give_up(name(), id_);
  }

  /// After a failure: subscribers get what was made before it, and are told when they have acknowledged that.
  void end_stream(const char* why) {
    publisher_->driver().on_drained = [this, why] { publisher_->cancel_all(core::reason::stopped, why); };
    publisher_->begin_drain();
  }

  /// Its handler has had enough, or it was closed.
  void end_input() {
    ending_.finish();
    loop_.post([this, self = std::weak_ptr(self_)] {
      if (self.lock()) intake_->stop(core::reason::cancelled);
    });
  }

  /// Nothing is taken for publishing any more.
  void close_publishing() {
    if (publisher_) publisher_->close();
  }

  /// For as long as the options say.
  void handle_arrived() {
    const auto left = std::make_shared<std::promise<void>>();
    loop_.call([&] { intake_->leave([left] { left->set_value(); }); });
    left->get_future().wait_until(deadline_in(spec_.options.subscribe.drain));
  }

  void drain_at_end() {
    // `never` itself is what close() ends.
    const Time deadline = std::min(detail::deadline_in(publish().drain), never - Duration(1));
    // After a failure nobody finds this stage any more: it waits for those that are here.
    const bool can_be_taken = !ending_.has_failed() || publisher_->driver().with_outlet([](core::Outlet& outlet) {
      return !outlet.links().empty();
    });
    if (drain(can_be_taken ? deadline : Clock::now())) return;
    std::uint64_t left = publisher_->driver().with_outlet([](core::Outlet& outlet) { return outlet.outstanding(); });
    loop_.call([&] { left += intake_->abandon(); });
    if (left > 0) {
      node_.logger().warning(
          fmt::format("{}: stops with {} events that not all of its subscribers took", label_, left));
    }
  }

  /// On the loop: everything that lives there goes.
  void end() {
    self_.reset();
    if (intake_) intake_->end();
    if (publisher_) publisher_->end();
    intake_.reset();
    publisher_.reset();
  }

  bool shares_loop() const { return node_.options().threads > 0; }

  const std::shared_ptr<NodeCore> core_;  // it may outlive its Node
  NodeCore& node_ = *core_;
  Spec spec_;
  Id id_ = Id::random();
  std::string label_;
  bool added_ = false;
  std::atomic<bool> registered_{false};
  std::uint32_t waiting_ = 0;
  NodeCore::StopperId stopper_ = 0;
  Ending ending_;
  HandlerLock handler_lock_;
  Sink handler_sink_;  // under that lock

  std::shared_ptr<Impl*> self_ = std::make_shared<Impl*>(this);  // for what is posted to the loop and may come too late
  const std::shared_ptr<Loop> loop_owner_ = node_.loop_for_stage();
  Loop& loop_ = *loop_owner_;
  std::unique_ptr<Publisher> publisher_;  // lives on the loop
  std::unique_ptr<Intake> intake_;        // lives on the loop
};

Stage::Stage(Node& node, Spec spec)
    : impl_(std::make_unique<Impl>(node, std::move(spec))),
      driver_(impl_->driver()),
      handler_lock_(&impl_->handler_lock()) {}
Stage::~Stage() {
  if (impl_ && !impl_->is_in_its_process()) ProcessMark::abandon(impl_);
}
Stage::Stage(Stage&&) noexcept = default;
Stage& Stage::operator=(Stage&&) noexcept = default;

bool Stage::put(const EventView& event, Time deadline, const std::stop_token* stop) {
  return driver_->put(event, deadline, stop);
}
bool Stage::put(std::span<const EventView> events, Time deadline, const std::stop_token* stop) {
  return driver_->put(events, deadline, stop);
}
Sink& Stage::handler_sink() { return impl_->handler_sink(); }

Id Stage::id() const { return impl_->id(); }
const Name& Stage::name() const { return impl_->name(); }
std::uint32_t Stage::waiting() const { return impl_->waiting(); }
ProducerStats Stage::producer_stats() const { return impl_->publisher().stats(); }
ConsumerStats Stage::consumer_stats() const { return impl_->consumer_stats(); }
void Stage::stop_input() { impl_->stop_input(); }
bool Stage::drain(const Until& until) { return impl_->drain(until); }
bool Stage::wait_for_subscribers(std::size_t count, const Until& until) {
  return impl_->publisher().driver().wait_for_subscribers(count, until);
}
bool Stage::wait(const Until& until) { return impl_->wait(until); }
void Stage::close() { impl_->close(); }

}  // namespace galena::detail
