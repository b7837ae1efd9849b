// SPDX-License-Identifier: Apache-2.0
#include "galena/net/monitor.hpp"

#include <atomic>
#include <cstring>
#include <string>

#include "galena/error.hpp"

namespace galena::net {

Monitor::Monitor(Context& context, Reactor& reactor, zmq::socket_t& socket, int events, Heard heard)
    : watched_(socket), heard_(std::move(heard)) {
  static std::atomic<std::uint64_t> serial{0};
  const std::string address = "inproc://galena-monitor-" + std::to_string(++serial);
  if (zmq_socket_monitor(watched_.handle(), address.c_str(), events) != 0) {
    throw Error(ErrorCode::system, std::string("cannot watch a connection: ") + zmq_strerror(errno));
  }
  try {
    socket_ = zmq::socket_t(context.zmq(), zmq::socket_type::pair);
    socket_.set(zmq::sockopt::linger, 0);
    socket_.connect(address);
  } catch (const zmq::error_t& error) {
    zmq_socket_monitor(watched_.handle(), nullptr, 0);
    throw Error(ErrorCode::system, std::string("cannot watch a connection: ") + error.what());
  }
  watch_ = std::make_unique<Reactor::Watch>(
      reactor, socket_.get(zmq::sockopt::fd), [this] { return (socket_.get(zmq::sockopt::events) & ZMQ_POLLIN) != 0; },
      [this] { read(); });
}

Monitor::~Monitor() { zmq_socket_monitor(watched_.handle(), nullptr, 0); }

/// Reads one event per call, because `heard` may destroy this Monitor.
void Monitor::read() {
  zmq::message_t event;
  if (zmq_msg_recv(event.handle(), socket_.handle(), ZMQ_DONTWAIT) < 0) return;
  watch_->touch();
  std::uint16_t what = 0;
  std::uint32_t value = 0;
  if (event.size() >= sizeof what + sizeof value) {
    std::memcpy(&what, event.data(), sizeof what);
    std::memcpy(&value, static_cast<const char*>(event.data()) + sizeof what, sizeof value);
  }
  zmq::message_t address;
  zmq_msg_recv(address.handle(), socket_.handle(), ZMQ_DONTWAIT);
  const auto heard = heard_;
  heard(what, value);
}

}  // namespace galena::net
