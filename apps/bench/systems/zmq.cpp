// SPDX-License-Identifier: Apache-2.0
#include "systems/zmq.hpp"

#include <algorithm>

#include "galena/error.hpp"
#include "galena/id.hpp"
#include "run/meter.hpp"
#include "run/pace.hpp"
#include "run/roles.hpp"

namespace galena::bench {

ZmqSocket::ZmqSocket(Room& room, int type, const Shape& shape) : socket_(zmq_socket(room.zmq(), type)) {
  if (socket_ == nullptr) check(-1);
  set(ZMQ_LINGER, 0);
  const int most = static_cast<int>(std::clamp<std::uint64_t>((64 << 20) / (shape.bytes + 74), 1000, 1'000'000));
  set(ZMQ_SNDHWM, most);
  set(ZMQ_RCVHWM, most);
  set(ZMQ_SNDTIMEO, patience_ms);
  set(ZMQ_RCVTIMEO, patience_ms);
}

ZmqSocket::~ZmqSocket() { zmq_close(socket_); }

void ZmqSocket::check(int result) {
  if (result < 0) throw Error(ErrorCode::system, std::string("libzmq: ") + zmq_strerror(zmq_errno()));
}

void ZmqSocket::set(int option, int value) { check(zmq_setsockopt(socket_, option, &value, sizeof value)); }
void ZmqSocket::set(int option, std::string_view value) {
  check(zmq_setsockopt(socket_, option, value.data(), value.size()));
}

std::string ZmqSocket::bind(const Shape& shape) {
  const std::string name = "galena-bench/" + Id::random().hex();
  const std::string wanted = shape.transport == Transport::tcp   ? "tcp://127.0.0.1:*"
                             : shape.transport == Transport::ipc ? "ipc://@" + name
                                                                 : "inproc://" + name;
  check(zmq_bind(socket_, wanted.c_str()));
  char endpoint[256];
  std::size_t size = sizeof endpoint;
  check(zmq_getsockopt(socket_, ZMQ_LAST_ENDPOINT, endpoint, &size));
  return endpoint;
}

void ZmqSocket::connect(const std::string& endpoint) { check(zmq_connect(socket_, endpoint.c_str())); }
void ZmqSocket::send(const std::string& frame) { check(zmq_send(socket_, frame.data(), frame.size(), 0)); }

ZmqMessage::ZmqMessage() { zmq_msg_init(&message_); }
ZmqMessage::~ZmqMessage() { zmq_msg_close(&message_); }
bool ZmqMessage::receive(ZmqSocket& socket) { return zmq_msg_recv(&message_, socket.get(), 0) >= 0; }
void ZmqMessage::send_to(ZmqSocket& socket) { ZmqSocket::check(zmq_msg_send(&message_, socket.get(), 0)); }
std::string_view ZmqMessage::bytes() const {
  return {static_cast<const char*>(zmq_msg_data(&message_)), zmq_msg_size(&message_)};
}

std::string_view message_in(std::string_view frame) {
  static const std::size_t topic = topic_name(0).size();
  return frame.substr(std::min(frame.size(), topic));
}

Report send_frames(ZmqSocket& socket, const Task& task) {
  const std::vector<std::string> topics = topic_names(task.shape);
  const std::size_t topic_bytes = topics.front().size();
  std::string frame(topics.front());
  frame.append(task.shape.bytes, 'x');

  const double cpu = cpu_seconds();
  Report report;
  report.sent = send_events(task, [&](const Ticket& ticket) {
    std::memcpy(frame.data(), topics[ticket.topic].data(), topic_bytes);
    stamp(frame.data() + topic_bytes, ticket.word, ticket.time);
    socket.send(frame);
  });
  report.cpu_seconds = cpu_seconds() - cpu;
  return report;
}

void receive_frames(ZmqSocket& socket, Meter& meter) {
  ZmqMessage message;
  while (message.receive(socket) && meter.take(message_in(message.bytes()))) {
  }
  if (!meter.complete()) throw Error(ErrorCode::timeout, meter.problem());
}

}  // namespace galena::bench
