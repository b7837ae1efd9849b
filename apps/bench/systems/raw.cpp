// SPDX-License-Identifier: Apache-2.0
// libzmq as it is used without more ado: PUSH and PULL, one event (topic and message in one frame) a message.
#include "galena/error.hpp"
#include "run/pace.hpp"
#include "run/roles.hpp"
#include "systems/relay.hpp"
#include "systems/zmq.hpp"

namespace galena::bench {

void raw_send(Room& room, const Room::Desk& desk, const Task& task) {
  ZmqSocket push(room, ZMQ_PUSH, task.shape);
  push.connect(task.peer);
  desk.report(send_frames(push, task));
  desk.wait();
}

void raw_receive(Room& room, const Room::Desk& desk, const Task& task) {
  ZmqSocket pull(room, ZMQ_PULL, task.shape);
  desk.ready(pull.bind(task.shape));
  std::vector<std::unique_ptr<Meter>> meters;
  meters.push_back(std::make_unique<Meter>(task, task.index));
  receive_frames(pull, *meters.front());
  desk.report(Meter::report(meters));
  desk.wait();
}

void raw_relay(Room& room, const Room::Desk& desk, const Task& task) {
  ZmqSocket push(room, ZMQ_PUSH, task.shape);
  push.connect(task.peer);
  ZmqSocket pull(room, ZMQ_PULL, task.shape);
  desk.ready(pull.bind(task.shape));

  RelayWatch watch;
  ZmqMessage message;
  std::string frame;
  for (bool last = false; !last;) {
    if (!message.receive(pull)) throw Error(ErrorCode::timeout, "the last event did not come");
    const std::string_view bytes = message.bytes();
    last = watch.record(message_in(bytes));
    if (task.shape.relay == Relay::pass) {
      message.send_to(push);
    } else {
      transform_message(bytes, bytes.size() - message_in(bytes).size(), frame);
      push.send(frame);
    }
  }
  desk.report(watch.report());
  desk.wait();
}

}  // namespace galena::bench
