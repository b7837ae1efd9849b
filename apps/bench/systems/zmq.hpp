// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <zmq.h>

#include <string>
#include <string_view>

#include "plan/task.hpp"
#include "run/room.hpp"

namespace galena::bench {

/// A socket of libzmq as it is used without more ado, for the yardsticks.
class ZmqSocket {
 public:
  /// Wide enough never to be what limits: about 64 MiB each side.
  ZmqSocket(Room& room, int type, const Shape& shape);
  ~ZmqSocket();
  ZmqSocket(const ZmqSocket&) = delete;
  ZmqSocket& operator=(const ZmqSocket&) = delete;

  void set(int option, int value);
  void set(int option, std::string_view value);
  /// To any free endpoint of the shape's transport. Returns which.
  std::string bind(const Shape& shape);
  void connect(const std::string& endpoint);
  void send(const std::string& frame);
  void* get() { return socket_; }

  static void check(int result);

 private:
  void* socket_;
};

/// A received message that is used again for the next.
class ZmqMessage {
 public:
  ZmqMessage();
  ~ZmqMessage();
  ZmqMessage(const ZmqMessage&) = delete;
  ZmqMessage& operator=(const ZmqMessage&) = delete;

  /// False if nothing came for as long as the socket waits.
  bool receive(ZmqSocket& socket);
  void send_to(ZmqSocket& socket);
  std::string_view bytes() const;

 private:
  mutable zmq_msg_t message_;  // which libzmq's reading functions do not take as const
};

/// Topic and message in one frame.
std::string_view message_in(std::string_view frame);

class Meter;
/// Sends what the task says, and reports it.
Report send_frames(ZmqSocket& socket, const Task& task);
/// Receives what one consumer selects. Throws Error if that is not what came.
void receive_frames(ZmqSocket& socket, Meter& meter);

}  // namespace galena::bench
