// SPDX-License-Identifier: Apache-2.0
#include "galena/detail/stage.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "galena/base/assert.hpp"
#include "galena/error.hpp"
#include "galena/stage/node_access.hpp"
#include "galena/stage/node_core.hpp"
#include "galena/stage/offering.hpp"
#include "galena/stage/publisher.hpp"
#include "galena/stage/receiver.hpp"
#include "galena/stage/turn_clock.hpp"

namespace galena::detail {
namespace {

/// A smaller batch is taken apart and packed with others.
constexpr std::size_t smallest_adopted = 8 * 1024;

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

/// Of the event that is being read.
class ReadingOrigin final : public EventOrigin {
 public:
  explicit ReadingOrigin(const EventTaker::Reading& reading) : inlet_(reading.inlet), from_(reading.from) {}

  std::string_view producer() const override {
    if (producer_.empty()) producer_ = from_.text();
    return producer_;
  }
  Id stream() const override { return inlet_.place().stream; }
  std::optional<std::uint64_t> position() const override { return inlet_.position(); }

 private:
  const core::Inlet& inlet_;
  const Source& from_;
  mutable std::string producer_;  // once somebody has asked
};

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

/// Then a stage says what it still waits for, if that looks like a mistake.
constexpr Duration hint_after = std::chrono::seconds(2);

}  // namespace

class Stage::Impl final : public EventTaker {
 public:
  Impl(Node& node, Spec spec) : core_(NodeAccess::core(node)), spec_(std::move(spec)) {
    const Name& name = spec_.options.name;
    label_ = name.empty() ? "stage " + id_.brief() : name.text;
    try {
      start();
    } catch (...) {
      node_.remove_stopper(stopper_);
      loop_.call([this] { end(); });
      if (registered_) node_.unregister(name.text, id_);
      if (added_) node_.remove_stage(name, id_);
      throw;
    }
  }

  ~Impl() override {
    GALENA_ASSERT(!loop_.is_here(),
                  "a stage was destroyed inside its own handler, or one on the same thread: " + label_);
    const Name& name = spec_.options.name;
    node_.remove_stopper(stopper_);
    close_intake();
    // No more input; what was made of it so far is drained, and acknowledged to where it came from.
    loop_.call([this] {
      for (const auto& receiver : receivers_) receiver->stop_taking();
      if (publisher_) publisher_->begin_drain();
    });
    if (publisher_) drain_at_end();
    loop_.call([this] { receivers_.clear(); });
    if (registered_) node_.unregister(name.text, id_);
    node_.remove_stage(name, id_);
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

  bool drain(Time deadline) {
    return publisher().driver().drain(deadline, [this] { return !made_ || !made_->waits(); });
  }

  /// Ends all calls that wait, those of its own handler in other stages as well. From now on none waits for ever.
  void end_waits() {
    if (publisher_) publisher_->driver().end_waits();
    if (!shares_loop()) loop_.end_waits();
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    failed_.notify_all();
  }

  /// The same; and it takes nothing in any more.
  void close() {
    close_intake();
    end_input();
  }

  ConsumerStats consumer_stats() {
    ConsumerStats stats;
    for (const auto& receiver : receivers_) {
      stats.received += receiver->received();
      stats.lost += receiver->lost();
      stats.unknown_gaps += receiver->unknown_gaps();
      stats.malformed += receiver->malformed();
      stats.passed_over += receiver->passed_over();
      stats.states.push_back(receiver->state());
    }
    const std::lock_guard lock(mutex_);
    stats.mismatched = mismatches_.total();
    stats.mismatches = mismatches_.counts();
    return stats;
  }

  void stop_input() {
    const auto stop = [this] {
      for (const auto& receiver : receivers_) receiver->stop_taking();
      if (publisher_) publisher_->transmit();  // what was made of half a frame
    };
    if (!loop_.is_here()) return loop_.call(stop);
    loop_.post([self = std::weak_ptr(self_), stop] {  // not from within a handler: an event is being taken
      if (self.lock()) stop();
    });
  }

  bool wait(Time deadline) {
    std::unique_lock lock(mutex_);
    const auto is_over = [this] { return failure_ != nullptr || enough_ || stopping_; };
    if (deadline == never) {
      failed_.wait(lock, is_over);
    } else if (!failed_.wait_until(lock, deadline, is_over)) {
      return false;
    }
    if (failure_) std::rethrow_exception(failure_);
    return true;
  }

 private:
  void start() {
    check_options();
    const Name& name = spec_.options.name;
    const bool publishes = spec_.role != Role::consumer;
    if (publishes) {
      loop_.call([this] {
        publisher_ = std::make_unique<Publisher>(loop_, node_.context(), node_.logger(), publisher_options());
        made_ = std::make_unique<Offering>(publisher_->driver());
      });
    }
    stopper_ = node_.add_stopper([this] { end_waits(); });
    node_.add_stage(name, id_, publishes ? publisher_->local_endpoint() : "");
    added_ = true;
    if (name.is_global) register_name();
    for (Subscription& subscription : spec_.options.subscriptions) find_source(subscription.producer);
    if (spec_.role != Role::producer) {
      if (spec_.options.subscriptions.empty()) {
        node_.logger().warning(fmt::format("{}: has no subscriptions, so that no event will ever reach it", label_));
      }
      loop_.call([this] {
        loop_.reactor().after(hint_after, [this, self = std::weak_ptr(self_)] {
          if (self.lock()) give_hints();
        });
      });
    }
    loop_.call([this] {
      std::map<std::string, int> times;
      for (Subscription& subscription : spec_.options.subscriptions) {
        const std::string from = subscription.producer.text();
        const int number = ++times[from];  // several subscriptions to one producer are told apart
        const std::string suffix = number == 1 ? "" : fmt::format("#{}", number);
        Receiver::Options options{subscription, label_, id_};
        if (!identity().empty()) options.identity = identity() + suffix;
        options.positions = subscribe().positions;
        options.key = fmt::format("{}@{}{}", identity(), from, suffix);
        options.acknowledge_downstream = acknowledges_downstream();
        receivers_.push_back(std::make_unique<Receiver>(node_, loop_, *this, std::move(options)));
      }
    });
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

  /// On the loop, once: what a program probably did not mean.
  void give_hints() {
    for (std::size_t i = 0; i < receivers_.size(); ++i) {
      const Receiver& receiver = *receivers_[i];
      if (receiver.received() > 0) continue;
      const Source& source = receiver.source();
      if (receiver.state() == State::searching && !source.stage && !source.name.is_global) {
        node_.logger().warning(
            fmt::format("{0}: still searches for '{1}' among the stages of its own Node, and there is none of that "
                        "name; for a stage that has it as its global name write galena::global(\"{1}\")",
                        label_, source.name.text));
      }
      for (const Topic& topic : spec_.options.subscriptions[i].topics.patterns()) {
        const std::size_t star = topic.text.find('*');
        if (topic.is_prefix || star == std::string::npos) continue;
        node_.logger().warning(
            fmt::format("{}: has received nothing on the topic '{}' of {}, where '*' is a character "
                        "like others; for all topics that begin so write galena::prefix(\"{}\")",
                        label_, topic.text, source.text(), topic.text.substr(0, star)));
      }
    }
  }

  bool acknowledges_downstream() const { return spec_.options.acknowledge == Acknowledge::downstream; }

  std::string identity() const {
    const std::string& identity = subscribe().identity;
    const bool by_name = identity.empty() && acknowledges_downstream() && name().is_global;
    return by_name ? name().text : identity;
  }

  const ConsumerOptions& subscribe() const { return spec_.options.subscribe; }
  const ProducerOptions& publish() const { return spec_.options.publish; }

  void check_options() const {
    if (!subscribe().name.empty() || !subscribe().subscriptions.empty() || !publish().name.empty()) {
      throw Error(ErrorCode::invalid,
                  "a producer-consumer has one name and one list of subscriptions: give them in its options, not in "
                  "those options' `subscribe` or `publish`");
    }
    if (subscribe().positions && identity().empty()) {
      throw Error(ErrorCode::invalid, "positions are kept for whoever has the same identity next: give one");
    }
    if (subscribe().positions && acknowledges_downstream()) {
      throw Error(ErrorCode::invalid,
                  "a producer-consumer that acknowledges downstream keeps no positions: what it has handled is not yet "
                  "what its subscribers have acknowledged, and its producers know the latter");
    }
    if (acknowledges_downstream() && identity().empty()) {
      throw Error(ErrorCode::invalid,
                  "a producer-consumer that acknowledges downstream needs a global name or an identity: its producers "
                  "hold for its successor what it had not passed on");
    }
    std::set<std::string> sources;
    for (const Subscription& subscription : spec_.options.subscriptions) {
      if (acknowledges_downstream() && !sources.insert(subscription.producer.text()).second) {
        throw Error(
            ErrorCode::invalid,
            fmt::format("a producer-consumer that acknowledges downstream subscribes once to '{}': give all topics "
                        "to one subscription",
                        subscription.producer.text()));
      }
    }
    if (identity().size() > core::max_name_bytes)
      throw Error(ErrorCode::invalid, fmt::format("an identity has {} bytes at most", core::max_name_bytes));
  }

  void register_name() {
    const Name& name = spec_.options.name;
    names::Registration registration = node_.self();
    registration.name = name.text;
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

  Publisher::Options publisher_options() {
    const ProducerOptions& options = publish();
    Publisher::Options publisher;
    core::Outlet::Options& outlet = publisher.driver.outlet;
    outlet.stage = id_;
    outlet.stream = Id::random();
    outlet.buffer.limit_bytes = options.buffer_bytes;
    outlet.buffer.limit_events = options.buffer_events;
    outlet.buffer.when_full = options.when_full;
    outlet.silence = node_.options().liveness;
    outlet.hold = options.hold;
    outlet.expect = options.expect;
    outlet.buffer.retain_bytes = options.retain_bytes;
    if (acknowledges_downstream()) {
      publisher.driver.on_acknowledged = [this] {
        for (const auto& receiver : receivers_) receiver->acknowledge();
      };
    }
    publisher.is_global = name().is_global;
    publisher.interface = node_.options().interface;
    publisher.driver.label = label_;
    publisher.taker = {spec_.handler.get(), spec_.on_produce, &handler_lock_};
    publisher.takes_feeds = spec_.role == Role::producer;
    publisher.driver.shares_loop = shares_loop();
    publisher.driver.on_room = [this] { go_on(); };
    publisher.driver.on_subscribers = [this](std::size_t subscribers) {
      if (spec_.options.name.is_global) {
        node_.set_subscribers(spec_.options.name.text, id_, static_cast<std::uint32_t>(subscribers));
      }
    };
    return publisher;
  }

  /// On the node's thread.
  void note_name_lost(const std::string& owner) {
    node_.logger().warning(fmt::format("{}: the name belongs to {} now", label_, owner));
    loop_.post([this, owner] {
      if (publish().on_name_lost) guard([&] { publish().on_name_lost(owner); });
    });
  }

  void drain_at_end() {
    // `never` itself is what close() ends.
    const Time deadline = std::min(detail::deadline_in(publish().drain), never - Duration(1));
    const bool drained = failure() ? false : drain(deadline);
    if (drained) return;
    std::uint64_t left = publisher_->driver().with_outlet([](core::Outlet& outlet) { return outlet.outstanding(); });
    loop_.call([&] { left += made_->abandon(); });
    if (left > 0) {
      node_.logger().warning(
          fmt::format("{}: stops with {} events that not all of its subscribers took", label_, left));
    }
  }

  /// On the loop: everything that lives there goes.
  void end() {
    self_.reset();
    receivers_.clear();
    if (publisher_) publisher_->end();
    made_.reset();
    publisher_.reset();
  }

  // EventTaker, on the loop.

  Progress take(Reading reading) override {
    if (handler_threw_) return Progress::failed;  // for an event of another subscription
    try {
      return publisher_ ? relay(reading) : consume(reading);
    } catch (const Enough&) {  // it says that it did nothing of this event
      handler_threw_ = true;
      end_input();
    } catch (const Error& error) {
      handler_threw_ = true;
      discard_effects();
      if (error.code() == ErrorCode::stopped && is_stopping()) {
        end_input();  // its handler waited in another stage when it was told to stop
      } else {
        fail(std::current_exception());
      }
    } catch (...) {
      handler_threw_ = true;
      discard_effects();
      fail(std::current_exception());
    }
    return Progress::failed;
  }

  /// Before any of the subscriptions can save its position again.
  void discard_effects() {
    if (!subscribe().positions) return;
    bool is_void = true;
    try {
      is_void = subscribe().positions->discard();
    } catch (...) {
      node_.logger().error(fmt::format(
          "{}: its position store threw in discard(), so no position is saved any more: events since the last one "
          "come again to the next consumer of this identity",
          label_));
    }
    if (!is_void) return;
    for (const auto& receiver : receivers_) receiver->discard();
  }

  void handle_pause() override {
    if (publisher_) publisher_->transmit();
  }

  void handle_idle() override {
    if (subscribe().on_idle) guard([this] { subscribe().on_idle(); });
  }

  void handle_state(const Source& of, State state) override {
    if (subscribe().on_state) guard([&] { subscribe().on_state(of, state); });
  }

  void handle_gap(const Source& of, const Gap& gap) override {
    if (subscribe().on_gap) guard([&] { subscribe().on_gap(of, gap); });
  }

  void handle_superseded(const Source& of) override {
    fail(std::make_exception_ptr(Error(
             ErrorCode::superseded,
             fmt::format("{}: another consumer of {} has taken up the identity '{}'", label_, of.text(), identity()))),
         "another has taken up its identity");
  }

  std::uint64_t made_upto() override {
    return publisher_->driver().with_outlet([](core::Outlet& outlet) { return outlet.buffer().next(); });
  }
  std::uint64_t acknowledged_upto() override {
    return publisher_->driver().with_outlet([](core::Outlet& outlet) { return outlet.acknowledged_upto(); });
  }

  /// The next event, for a handler that makes others of it.
  Progress relay(Reading& reading) {
    if (const auto passed = spec_.passes_all ? pass_batch(reading) : std::nullopt) return *passed;
    EventView event;
    if (!reading.inlet.next(event)) return Progress::read;
    const ReadingOrigin origin(reading);
    event.origin = &origin;
    count(reading.received);
    core::Provenance from;
    if (acknowledges_downstream()) from = reading.inlet.provenance(event);
    from.repeated = event.repeated;
    made_->begin(from);
    const Taken taken = spec_.on_produce(spec_.handler.get(), event, *made_);
    if (taken != Taken::yes && !note_mismatch(event, reading.from)) return Progress::failed;
    if (made_->waits()) return Progress::blocked;
    reading.inlet.handled();
    if (!turn_.is_over()) return Progress::handled;
    publisher_->transmit();
    return Progress::yields;
  }

  /// A whole batch, passed on where it lies, if that is possible. (With acknowledgement downstream every event tells
  /// where it comes from.)
  std::optional<Progress> pass_batch(const Reading& reading) {
    using Answer = core::Outlet::Answer;
    if (reading.frame == nullptr || acknowledges_downstream()) return std::nullopt;
    const auto whole = reading.inlet.whole_batch();
    if (!whole || whole->bytes.size() < smallest_adopted) return std::nullopt;
    // All of the frame is kept, and only the batch is counted.
    if (whole->bytes.size() < reading.frame->bytes().size() / 4) return std::nullopt;
    char* const begin = reading.frame->data() + (whole->bytes.data() - reading.frame->bytes().data());
    const Answer answer = publisher_->driver().adopt({begin, whole->bytes.size()}, whole->count, reading.frame);
    if (answer == Answer::full) return Progress::waits;
    if (answer == Answer::too_large) return std::nullopt;
    count(reading.received, whole->count);
    reading.inlet.handled_whole();
    return Progress::handled;
  }

  /// Events for a handler that keeps them, until something else is to be done.
  Progress consume(Reading& reading) {
    const ReadingOrigin origin(reading);
    for (EventView event; reading.inlet.next(event);) {
      event.origin = &origin;
      count(reading.received);
      const Taken taken = spec_.on_consume(spec_.handler.get(), event);
      if (taken != Taken::yes && !note_mismatch(event, reading.from)) return Progress::failed;
      reading.inlet.handled();
      if (reading.inlet.attention() || node_.ticks() != reading.tick) return Progress::handled;
    }
    return Progress::read;
  }

  static void count(std::atomic<std::uint64_t>& events, std::uint64_t more = 1) {  // one writer: no locked instruction
    events.store(events.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
  }

  template <class Call>
  void guard(Call call) {
    try {
      call();
    } catch (...) {
      fail(std::current_exception());
    }
  }

  /// False if the stage is to stop.
  bool note_mismatch(const EventView& event, const Source& from) {
    std::uint64_t count = 0;
    {
      const std::lock_guard lock(mutex_);
      mismatches_.add(event.topic, from.text());
      count = mismatches_.total();
    }
    const std::string text = fmt::format(
        "{}: a message of {} bytes on topic '{}' of {} is not of the handler's type ({})", label_, event.payload.size(),
        event.topic, from.text(), event.encoding == Encoding::raw ? "raw" : "msgpack");
    if (subscribe().on_mismatch == OnMismatch::stop) {
      fail(std::make_exception_ptr(Error(ErrorCode::handler, text)));
      return false;
    }
    // The first, the second, the fourth, ...: said, without filling the disk.
    if (std::has_single_bit(count)) node_.logger().warning(fmt::format("{}; skipped, the {}. so far", text, count));
    return true;
  }

  /// There is room again: for what a producer-consumer made, and then for what it makes of its input.
  void go_on() {
    if (!made_ || !made_->retry()) return;
    for (const auto& receiver : receivers_) receiver->resume();
  }

  /// The stage stops: its peers are told, its subscriptions end, and wait() and Node::run() rethrow.
  void fail(std::exception_ptr failure, const char* why = "its handler failed") {
    {
      const std::lock_guard lock(mutex_);
      if (failure_) return;
      failure_ = failure;
    }
    loop_.post([this, why, self = std::weak_ptr(self_)] {  // not from within a receiver's call
      if (!self.lock()) return;
      for (const auto& receiver : receivers_) receiver->stop(core::reason::stopped);
      if (publisher_) {
        publisher_->cancel_all(core::reason::stopped, why);
        publisher_->driver().close();
      }
    });
    failed_.notify_all();
    node_.logger().error(fmt::format("{}: stops: {}: {}", label_, why, text_of(failure)));
    node_.fail(std::move(failure));
  }

  /// Its handler has had enough.
  void end_input() {
    {
      const std::lock_guard lock(mutex_);
      enough_ = true;
    }
    loop_.post([this, self = std::weak_ptr(self_)] {  // not from within a receiver's call
      if (!self.lock()) return;
      for (const auto& receiver : receivers_) receiver->stop(core::reason::cancelled);
    });
    failed_.notify_all();
  }

  void close_intake() {
    if (publisher_) publisher_->driver().close();
    end_waits();
  }

  bool is_stopping() {
    const std::lock_guard lock(mutex_);
    return stopping_;
  }

  bool failure() {
    const std::lock_guard lock(mutex_);
    return failure_ != nullptr;
  }

  bool shares_loop() const { return node_.options().threads > 0; }

  const std::shared_ptr<NodeCore> core_;  // it may outlive its Node
  NodeCore& node_ = *core_;
  Spec spec_;
  Id id_ = Id::random();
  std::string label_;
  bool added_ = false;
  bool registered_ = false;
  std::uint32_t waiting_ = 0;

  std::mutex mutex_;
  std::condition_variable failed_;
  std::exception_ptr failure_;
  bool enough_ = false;
  bool stopping_ = false;
  core::DropCounter mismatches_;

  HandlerLock handler_lock_;
  Sink handler_sink_;  // under that lock
  NodeCore::StopperId stopper_ = 0;

  std::shared_ptr<Impl*> self_ = std::make_shared<Impl*>(this);
  bool handler_threw_ = false;  // on the loop: nothing is handed to it any more
  const std::shared_ptr<Loop> loop_owner_ = node_.loop_for_stage();
  Loop& loop_ = *loop_owner_;
  std::unique_ptr<Publisher> publisher_;              // lives on the loop
  TurnClock turn_;                                    // of a relay's handler
  std::unique_ptr<Offering> made_;                    // what its own handler made of its input, on the loop
  std::vector<std::unique_ptr<Receiver>> receivers_;  // live on the loop
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

bool Stage::put(const EventView& event, Time deadline) { return driver_->put(event, deadline); }
bool Stage::put(std::span<const EventView> events, Time deadline) { return driver_->put(events, deadline); }
Sink& Stage::handler_sink() { return impl_->handler_sink(); }

Id Stage::id() const { return impl_->id(); }
const Name& Stage::name() const { return impl_->name(); }
std::uint32_t Stage::waiting() const { return impl_->waiting(); }
ProducerStats Stage::producer_stats() const { return impl_->publisher().stats(); }
ConsumerStats Stage::consumer_stats() const { return impl_->consumer_stats(); }
void Stage::stop_input() { impl_->stop_input(); }
bool Stage::drain(Time deadline) { return impl_->drain(deadline); }
bool Stage::wait_for_subscribers(std::size_t count, Time deadline) {
  return impl_->publisher().driver().wait_for_subscribers(count, deadline);
}
bool Stage::wait(Time deadline) { return impl_->wait(deadline); }
void Stage::close() { impl_->close(); }

}  // namespace galena::detail
