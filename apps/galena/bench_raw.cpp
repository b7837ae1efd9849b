// SPDX-License-Identifier: Apache-2.0
// libzmq as it is used without more ado: PUSH and PULL over TCP, one event (topic and message in one frame) a message.
#include <unistd.h>
#include <zmq.h>

#include <algorithm>
#include <string>

#include "bench_meter.hpp"
#include "bench_roles.hpp"
#include "galena/base/error.hpp"

namespace galena::cli {

namespace {

/// Closes itself and its context.
struct RawSocket {
  void* context = zmq_ctx_new();
  void* socket;

  RawSocket(int type, const BenchTask& task) : socket(zmq_socket(context, type)) {
    // Wide enough never to be what limits: about 64 MiB each side.
    const int most = static_cast<int>(std::clamp<std::uint64_t>((64 << 20) / (task.bytes + 74), 1000, 1'000'000));
    set(ZMQ_SNDHWM, most);
    set(ZMQ_RCVHWM, most);
    set(ZMQ_SNDTIMEO, bench_patience_ms);
    set(ZMQ_RCVTIMEO, bench_patience_ms);
  }
  ~RawSocket() {
    zmq_close(socket);
    zmq_ctx_term(context);
  }
  RawSocket(const RawSocket&) = delete;
  RawSocket& operator=(const RawSocket&) = delete;

  void set(int option, int value) const { check(zmq_setsockopt(socket, option, &value, sizeof value)); }
  static void check(int result) {
    if (result < 0) throw Error(ErrorCode::system, std::string("libzmq: ") + zmq_strerror(zmq_errno()));
  }
};

}  // namespace

void raw_send(const BenchTask& task) {
  const RawSocket push(ZMQ_PUSH, task);
  RawSocket::check(zmq_connect(push.socket, task.peer.c_str()));
  std::string frame(bench_topic);
  frame.append(task.bytes, 'x');

  const double cpu = cpu_seconds();
  BenchReport report;
  report.events = send_events(task, [&](std::uint64_t word) {
    stamp(frame.data() + bench_topic.size(), word, task.rate > 0);
    RawSocket::check(zmq_send(push.socket, frame.data(), frame.size(), 0));
  });
  report.cpu_seconds = cpu_seconds() - cpu;
  say_report(report);
  pause();
}

void raw_receive(const BenchTask& task) {
  const RawSocket pull(ZMQ_PULL, task);
  RawSocket::check(zmq_bind(pull.socket, "tcp://127.0.0.1:*"));
  char endpoint[256];
  std::size_t size = sizeof endpoint;
  RawSocket::check(zmq_getsockopt(pull.socket, ZMQ_LAST_ENDPOINT, endpoint, &size));
  say_ready(endpoint);

  Meter meter(task);
  zmq_msg_t message;
  zmq_msg_init(&message);
  bool more = true;
  while (more) {
    if (zmq_msg_recv(&message, pull.socket, 0) < 0) break;
    const std::string_view frame(static_cast<const char*>(zmq_msg_data(&message)), zmq_msg_size(&message));
    more = meter.take(frame.substr(std::min(frame.size(), bench_topic.size())));
  }
  zmq_msg_close(&message);
  if (!meter.complete()) throw Error(ErrorCode::timeout, meter.problem());
  say_report(meter.report());
  pause();
}

}  // namespace galena::cli
