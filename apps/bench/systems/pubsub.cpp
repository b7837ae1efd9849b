// SPDX-License-Identifier: Apache-2.0
// libzmq's XPUB and SUB: one event a message, its topic in front. The publisher waits for subscribers instead of
// dropping, which is the nearest that they come to what Galena does. Subscribers bind, so that it finds them.
#include <sstream>
#include <thread>

#include "galena/error.hpp"
#include "run/gate.hpp"
#include "run/pace.hpp"
#include "run/roles.hpp"
#include "systems/zmq.hpp"

namespace galena::bench {

namespace {

/// Subscriptions travel as messages, and are dropped if there is no room for them.
constexpr int subscriptions_at_once = 1'000'000;

std::vector<std::string> filters_for(const Shape& shape, std::uint64_t consumer) {
  std::vector<std::string> filters;
  if (shape.take == Take::everything) filters.emplace_back();
  if (shape.take == Take::topics) {
    for (std::uint64_t i = shape.divided ? consumer : 0; i < shape.topics; i += shape.stride()) {
      filters.push_back(topic_name(i));
    }
  }
  if (shape.take == Take::prefixes) {
    for (std::uint64_t i = 0; i < shape.topics; i += shape.topics / shape.prefixes) {
      std::string name = topic_name(i);
      name.pop_back();
      filters.push_back(std::move(name));
    }
  }
  return filters;
}

std::uint64_t subscriptions_of(const Shape& shape) {
  std::uint64_t count = 0;
  for (std::uint64_t i = 0; i < shape.consumers(); ++i) count += filters_for(shape, i).size();
  return count;
}

}  // namespace

void pubsub_send(Room& room, const Room::Desk& desk, const Task& task) {
  ZmqSocket pub(room, ZMQ_XPUB, task.shape);
  pub.set(ZMQ_XPUB_NODROP, 1);
  pub.set(ZMQ_XPUB_VERBOSE, 1);
  pub.set(ZMQ_RCVHWM, subscriptions_at_once);
  std::istringstream endpoints(task.peer);
  for (std::string endpoint; std::getline(endpoints, endpoint, ',');) pub.connect(endpoint);
  ZmqMessage subscription;
  for (std::uint64_t left = subscriptions_of(task.shape); left > 0; --left) {
    if (!subscription.receive(pub)) throw Error(ErrorCode::timeout, "the subscribers did not come");
  }
  desk.report(send_frames(pub, task));
  desk.wait();
}

void pubsub_receive(Room& room, const Room::Desk& desk, const Task& task) {
  std::vector<std::unique_ptr<ZmqSocket>> sockets;
  std::vector<std::unique_ptr<Meter>> meters;
  std::string endpoints;
  for (std::uint64_t link = 0; link < task.shape.links; ++link) {
    const std::uint64_t consumer = task.index * task.shape.links + link;
    auto& sub = sockets.emplace_back(std::make_unique<ZmqSocket>(room, ZMQ_SUB, task.shape));
    sub->set(ZMQ_SNDHWM, subscriptions_at_once);
    for (const std::string& filter : filters_for(task.shape, consumer)) sub->set(ZMQ_SUBSCRIBE, filter);
    endpoints += (endpoints.empty() ? "" : ",") + sub->bind(task.shape);
    meters.push_back(std::make_unique<Meter>(task, consumer));
  }
  desk.ready(endpoints);

  std::vector<std::thread> threads;
  for (std::size_t link = 0; link < sockets.size(); ++link) {
    threads.emplace_back([&, link] {
      try {
        receive_frames(*sockets[link], *meters[link]);
      } catch (const Error&) {
        sockets[link].reset();  // told below
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& meter : meters) {
    if (!meter->complete()) throw Error(ErrorCode::timeout, meter->problem());
  }
  desk.report(Meter::report(meters));
  desk.wait();
}

}  // namespace galena::bench
