// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <zmq.hpp>

#include "galena/base/pack.hpp"
#include "galena/core/batch.hpp"
#include "galena/core/message.hpp"
#include "galena/stage/node_access.hpp"
#include "galena/stage/node_core.hpp"
#include "stage/stage_fixture.hpp"

/// Peers that speak plain ZeroMQ, so that a test can say what no stage would.
namespace galena::test {

inline constexpr auto dont_block = zmq::send_flags::dontwait;

/// Where the stage of this global name can be reached over TCP on this host.
inline std::string endpoint_of(Node& node, const std::string& name) {
  std::string found;
  const bool listed = eventually([&] {
    for (const NameEntry& entry : node.list()) {
      if (entry.name != name) continue;
      for (const std::string& endpoint : entry.endpoints) {
        if (endpoint.starts_with("tcp://127.")) found = endpoint;
      }
    }
    return !found.empty();
  });
  return listed ? found : throw std::runtime_error("nobody is called " + name);
}

inline core::Subscribe subscribe_message(Duration silence, core::Credit credit = {1 << 20, 1 << 24}) {
  core::Subscribe message;
  message.subscription = Id::random();
  message.epoch = 1;
  message.consumer = "raw";
  message.credit = credit;
  message.silence = silence;
  return message;
}

/// A global name whose stage is at `endpoint`, for as long as this lives.
class FakeProducer {
 public:
  FakeProducer(Node& node, const std::string& name, const std::string& endpoint) : node_(node), name_(name) {
    names::Registration registration = detail::NodeAccess::core(node_)->self();
    registration.name = name;
    registration.stage = stage_;
    registration.endpoints = {endpoint};
    detail::NodeAccess::core(node_)->register_name(registration, patience, {});
  }
  ~FakeProducer() { detail::NodeAccess::core(node_)->unregister(name_, stage_); }
  const Id& stage() const { return stage_; }

 private:
  Node& node_;
  std::string name_;
  Id stage_ = Id::random();
};

class RawDealer {
 public:
  explicit RawDealer(const std::string& endpoint, int receive_queue = 0) : socket_(context_, zmq::socket_type::dealer) {
    socket_.set(zmq::sockopt::linger, 0);
    socket_.set(zmq::sockopt::rcvhwm, receive_queue);
    socket_.connect(endpoint);
  }
  void send(std::string_view bytes, bool more = false) {
    socket_.send(zmq::buffer(bytes), more ? zmq::send_flags::sndmore : zmq::send_flags::none);
  }
  /// Empty if nothing comes in time.
  std::optional<std::string> receive(Duration limit = patience) {
    socket_.set(zmq::sockopt::rcvtimeo, static_cast<int>(in_milliseconds(limit)));
    zmq::message_t message;
    if (!socket_.recv(message)) return std::nullopt;
    return message.to_string();
  }
  /// The next message of this kind; others are passed over.
  template <class Kind>
  std::optional<Kind> next(Duration limit = patience) {
    const Time end = Clock::now() + limit;
    while (Clock::now() < end) {
      const auto frame = receive(end - Clock::now() + std::chrono::milliseconds(1));
      if (!frame) break;
      const auto message = core::decode(*frame);
      if (message && std::holds_alternative<Kind>(*message)) return std::get<Kind>(*message);
    }
    return std::nullopt;
  }
  zmq::socket_t& socket() { return socket_; }

 private:
  zmq::context_t context_;
  zmq::socket_t socket_;
};

/// A subscriber that selects nothing which is published, and counts the producer's heartbeats: they come at a quarter
/// of its liveness, if its thread lives.
class RawHeartbeats {
 public:
  explicit RawHeartbeats(const std::string& endpoint) : dealer_(endpoint) {
    core::Subscribe message = subscribe_message(std::chrono::hours(1));
    message.selection = Selection({"a topic that nobody publishes"});
    dealer_.send(core::encode(message));
  }
  bool wait_for(int count) {
    while (count > 0 && dealer_.next<core::Mark>()) --count;
    return count == 0;
  }

 private:
  RawDealer dealer_;
};

/// Plain events of the topic "t", as a publisher would send them.
inline std::string batch(std::uint64_t from, std::uint64_t upto, const std::vector<std::string>& messages) {
  PackWriter body;
  for (const std::string& message : messages) body.bin("t").bin(message);
  PackWriter header;
  header.array(5).uint(body.bytes().size()).uint(messages.size()).uint(from).uint(upto).uint(0);
  return header.take() + body.take();
}

/// The bound side, as a producer is.
class RawRouter {
 public:
  RawRouter() : socket_(context_, zmq::socket_type::router) {
    socket_.set(zmq::sockopt::linger, 0);
    socket_.bind("tcp://127.0.0.1:*");
  }
  std::string endpoint() { return socket_.get(zmq::sockopt::last_endpoint); }
  struct Frame {
    std::string peer;
    std::string bytes;
  };
  std::optional<Frame> receive(Duration limit = patience) {
    socket_.set(zmq::sockopt::rcvtimeo, static_cast<int>(in_milliseconds(limit)));
    zmq::message_t peer;
    zmq::message_t body;
    if (!socket_.recv(peer) || !socket_.recv(body)) return std::nullopt;
    return Frame{peer.to_string(), body.to_string()};
  }
  /// The next message of this kind, and from whom; others are passed over.
  template <class Kind>
  std::optional<std::pair<std::string, Kind>> next(Duration limit = patience) {
    const Time end = Clock::now() + limit;
    while (Clock::now() < end) {
      const auto frame = receive(end - Clock::now() + std::chrono::milliseconds(1));
      if (!frame) break;
      const auto message = core::decode(frame->bytes);
      if (message && std::holds_alternative<Kind>(*message)) return std::pair{frame->peer, std::get<Kind>(*message)};
    }
    return std::nullopt;
  }
  void send(const std::string& peer, std::string_view bytes) {
    socket_.send(zmq::buffer(peer), zmq::send_flags::sndmore);
    socket_.send(zmq::buffer(bytes), zmq::send_flags::none);
  }

 private:
  zmq::context_t context_;
  zmq::socket_t socket_;
};

}  // namespace galena::test
