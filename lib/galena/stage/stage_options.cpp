// SPDX-License-Identifier: Apache-2.0
#include "galena/stage/stage_options.hpp"

#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "galena/core/batch.hpp"
#include "galena/core/buffer.hpp"
#include "galena/core/message.hpp"
#include "galena/error.hpp"

namespace galena::detail {

bool acknowledges_downstream(const ProducerConsumerOptions& options) {
  return options.acknowledge == Acknowledge::downstream;
}

std::string identity_of(const ProducerConsumerOptions& options) {
  const std::string& identity = options.subscribe.identity;
  const bool by_name = identity.empty() && acknowledges_downstream(options) && options.name.is_global;
  return by_name ? options.name.text : identity;
}

namespace {

void check(const Subscription& subscription) {
  const auto& topics = subscription.topics.patterns();
  for (const Topic& topic : topics) {
    if (topic.text.size() <= core::max_topic_bytes) continue;
    throw Error(ErrorCode::invalid,
                fmt::format("a topic of {} bytes is selected of '{}': a topic has at most {}", topic.text.size(),
                            subscription.producer.text(), core::max_topic_bytes));
  }
  const std::uint64_t bytes = core::selected_bytes(subscription.topics);
  if (topics.size() <= core::max_selected_topics && bytes <= core::max_selected_bytes) return;
  throw Error(ErrorCode::invalid,
              fmt::format("{} topics of {} bytes in all are selected of '{}': a subscription selects at most {} topics "
                          "of {} bytes. Select by prefix, or divide the topics among several subscriptions",
                          topics.size(), bytes, subscription.producer.text(), core::max_selected_topics,
                          core::max_selected_bytes));
}

}  // namespace

void check(const ProducerConsumerOptions& options) {
  const ConsumerOptions& subscribe = options.subscribe;
  const std::string identity = identity_of(options);
  if (options.publish.buffer_bytes < core::Buffer::smallest_useful_bytes) {
    throw Error(ErrorCode::invalid,
                fmt::format("buffer_bytes is {}: with less than {} a producer has no room for a few "
                            "events and its subscribers' copies",
                            options.publish.buffer_bytes, core::Buffer::smallest_useful_bytes));
  }
  for (const Subscription& subscription : options.subscriptions) check(subscription);
  if (!subscribe.name.empty() || !subscribe.subscriptions.empty() || !options.publish.name.empty()) {
    throw Error(ErrorCode::invalid,
                "a producer-consumer has one name and one list of subscriptions: give them in its options, not in "
                "those options' `subscribe` or `publish`");
  }
  for (const Subscription& subscription : options.subscriptions) {
    if (options.name.empty() || subscription.producer.stage || subscription.producer.name != options.name) continue;
    throw Error(
        ErrorCode::invalid,
        fmt::format("'{}' subscribes to itself: what it makes would come back to it for ever", options.name.text));
  }
  if (identity.size() > core::max_name_bytes) {
    throw Error(ErrorCode::invalid, fmt::format("an identity has {} bytes at most", core::max_name_bytes));
  }
  if (subscribe.positions && identity.empty()) {
    throw Error(ErrorCode::invalid, "positions are kept for whoever has the same identity next: give one");
  }
  if (!acknowledges_downstream(options)) return;

  if (subscribe.positions) {
    throw Error(ErrorCode::invalid,
                "a producer-consumer that acknowledges downstream keeps no positions: what it has handled is not yet "
                "what its subscribers have acknowledged, and its producers know the latter");
  }
  if (identity.empty()) {
    throw Error(ErrorCode::invalid,
                "a producer-consumer that acknowledges downstream needs a global name or an identity: its producers "
                "hold for its successor what it had not passed on");
  }
  std::set<std::string> sources;
  for (const Subscription& subscription : options.subscriptions) {
    if (sources.insert(subscription.producer.text()).second) continue;
    throw Error(ErrorCode::invalid,
                fmt::format("a producer-consumer that acknowledges downstream subscribes once to '{}': give all topics "
                            "to one subscription",
                            subscription.producer.text()));
  }
}

core::Outlet::Options outlet_options(const ProducerConsumerOptions& options, const Id& stage, Duration liveness) {
  const ProducerOptions& publish = options.publish;
  core::Outlet::Options outlet;
  outlet.stage = stage;
  outlet.stream = Id::random();
  outlet.buffer.limit_bytes = publish.buffer_bytes;
  outlet.buffer.limit_events = publish.buffer_events;
  outlet.buffer.when_full = publish.when_full;
  outlet.buffer.retain_bytes = publish.retain_bytes;
  outlet.silence = liveness;
  outlet.hold = publish.hold;
  outlet.expect = publish.expect;
  return outlet;
}

std::vector<Receiver::Options> receiver_options(const ProducerConsumerOptions& options, const Id& stage,
                                                const std::string& label) {
  const std::string identity = identity_of(options);
  std::map<std::string, int> times;  // how often each producer was subscribed to so far
  std::vector<Receiver::Options> all;
  for (const Subscription& subscription : options.subscriptions) {
    const std::string from = subscription.producer.text();
    const int number = ++times[from];
    const std::string suffix = number == 1 ? "" : fmt::format("#{}", number);
    Receiver::Options receiver{subscription, label, stage};
    if (!identity.empty()) receiver.identity = identity + suffix;
    receiver.positions = options.subscribe.positions;
    receiver.key = fmt::format("{}@{}{}", identity, from, suffix);
    receiver.acknowledge_downstream = acknowledges_downstream(options);
    all.push_back(std::move(receiver));
  }
  return all;
}

}  // namespace galena::detail
