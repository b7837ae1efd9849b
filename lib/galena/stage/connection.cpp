// SPDX-License-Identifier: Apache-2.0
#include "galena/stage/connection.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "galena/base/assert.hpp"
#include "galena/core/message.hpp"
#include "galena/error.hpp"

namespace galena::detail {
namespace {

/// No producer accepts a larger event.
constexpr std::uint64_t most_event_bytes = 1 << 30;
/// A frame of several events, or what comes with a large one, is shorter than that.
constexpr std::int64_t beside_an_event = 1 << 20;
constexpr Duration shortest_back_off = std::chrono::milliseconds(20);
constexpr Duration longest_back_off = std::chrono::seconds(2);

/// Between half of it and all of it, so that consumers that lost the same producer do not come back all at once.
Duration jittered(Duration duration) {
  std::uint32_t random = 0;
  random_bytes(&random, sizeof random);
  return duration / 2 + duration / 2 * (random % 1024) / 1024;
}

}  // namespace

Connection::Connection(NodeCore& node, Loop& loop, Source source, std::string label, std::uint64_t largest_event,
                       Callbacks callbacks)
    : node_(node),
      loop_(loop),
      source_(std::move(source)),
      label_(std::move(label)),
      largest_frame_(static_cast<std::int64_t>(std::min(largest_event, most_event_bytes)) + beside_an_event),
      callbacks_(std::move(callbacks)),
      back_off_(shortest_back_off),
      self_(std::make_shared<Connection*>(this)) {
  watch_ = node_.watch(source_, loop_, [self = std::weak_ptr(self_)](std::optional<Target> target) {
    if (const auto connection = self.lock()) (*connection)->handle_target(std::move(target));
  });
}

Connection::~Connection() {
  self_.reset();
  close();
}

bool Connection::has_target() const { return target_ && !target_->endpoints.empty() && target_->stage != ended_stage_; }

void Connection::handle_target(std::optional<Target> target) {
  if (state_ == State::over) return;
  target_ = std::move(target);
  const bool known = target_ && !target_->endpoints.empty();
  if (dealer_) {
    // A link that works is not cut because a name service forgot a name.
    if (!has_target() || linked_stage_ == target_->stage) return;
    send(core::encode(core::Cancel{std::string(core::reason::cancelled), "another has the name now"}));
    handle_disconnected();  // what has arrived is handled first
    return;
  }
  if (!known) {
    enter(State::searching);
    callbacks_.nobody();
    return;
  }
  tried_ = 0;
  back_off_ = shortest_back_off;
  connect();
}

void Connection::connect() {
  if (!has_target()) {
    enter(State::searching);
    return;
  }
  endpoint_ = target_->endpoints[tried_ % target_->endpoints.size()];
  linked_stage_ = target_->stage;
  shares_memory_ = endpoint_.starts_with("inproc://");
  node_.logger().debug(fmt::format("{}: connecting to {} at {}", label_, source_.text(), endpoint_));
  try {
    dealer_ = std::make_unique<net::Dealer>(
        node_.context(), loop_.reactor(), endpoint_, net::Dealer::Options{.max_message_bytes = largest_frame_},
        net::Dealer::Callbacks{callbacks_.readable, {}, [this] { handle_disconnected(); }});
  } catch (const Error& error) {  // a producer of this process that is gone, or an endpoint that cannot be read
    const bool is_news = error.code() == ErrorCode::system && !std::exchange(has_warned_, true);
    const std::string text = fmt::format("{}: no link to {}: {}", label_, source_.text(), error.what());
    is_news ? node_.logger().warning(text) : node_.logger().info(text);
    ++tried_;
    back_off();
    callbacks_.nobody();
    return;
  }
  enter(State::connecting);
  callbacks_.open(linked_stage_);
}

void Connection::send(std::string_view bytes) {
  if (dealer_ && state_ != State::unread) dealer_->send(bytes);
}

std::optional<net::Frame> Connection::receive() { return dealer_ ? dealer_->receive() : std::nullopt; }

void Connection::handle_accepted() {
  if (state_ == State::connecting) enter(State::connected);
}

void Connection::handle_disconnected() {
  if (!dealer_ || state_ == State::unread) return;
  enter(State::unread);
  loop_.post([self = std::weak_ptr(self_)] {  // not from within the socket's own callback
    const auto connection = self.lock();
    if (connection && (*connection)->state_ == State::unread) (*connection)->callbacks_.readable();
  });
}

void Connection::end_link(Next next, bool worked) {
  dealer_.reset();
  if (worked) back_off_ = shortest_back_off;
  if (next == Next::other_stage) ended_stage_ = linked_stage_;
  if (next == Next::other_endpoint) ++tried_;
  if (has_target()) {
    back_off();
  } else {
    enter(State::searching);
  }
}

void Connection::back_off() {
  enter(State::backing_off);
  back_off_ = std::min(back_off_ * 2, longest_back_off);
}

void Connection::close() {
  if (state_ == State::over) return;
  node_.unwatch(watch_);
  dealer_.reset();
  enter(State::over);
}

void Connection::enter(State state) {
  loop_.reactor().cancel(std::exchange(timer_, 0));
  state_ = state;
  if (state == State::backing_off) {
    timer_ = loop_.reactor().after(jittered(back_off_), [this] { connect(); });
  }
  const bool has_socket = state == State::connecting || state == State::connected || state == State::unread;
  GALENA_ASSERT(has_socket == has_link(), "a connection in this state has a socket, or has none");
}

}  // namespace galena::detail
