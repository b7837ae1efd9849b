// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "galena/net/context.hpp"
#include "galena/net/monitor.hpp"
#include "galena/net/reactor.hpp"

namespace galena::net {

/// A received frame. Owns its bytes.
class Frame {
 public:
  Frame() = default;
  explicit Frame(zmq::message_t message) : message_(std::move(message)) {}
  char* data() { return static_cast<char*>(message_.data()); }
  std::string_view bytes() const { return {static_cast<const char*>(message_.data()), message_.size()}; }
  /// The name under which the sender was authenticated (ZMTP's metadata "User-Id", which a ZAP handler assigns); empty
  /// if it was not. Valid as long as the Frame. All frames of one connection have the same, so ask only for its first:
  /// each call looks it up in a map of libzmq's, and a frame that is not asked costs nothing.
  std::string_view user_id() const;
  /// The IP address that the sender connected from; empty over ipc and inproc. As for user_id().
  std::string_view peer_address() const;
  /// Over ipc, the number of the sender's process; else empty. As for user_id().
  std::string_view peer_process() const;
  /// How much of what was sent over the connection that it came by has not been taken by the other host's kernel, as
  /// far as this one's knows: little, if the peer reads its answers. (What libzmq itself has still to write is not
  /// counted; it writes while the kernel takes more.) A system call.
  std::size_t unread_bytes() const;

 private:
  std::string_view metadata(const char* key) const;

  zmq::message_t message_;
};

/// Bytes that libzmq may read without a copy until it calls `free(data, hint)`, once, on any thread.
struct Loan {
  const void* data = nullptr;
  std::size_t size = 0;
  void (*free)(void* data, void* hint) = nullptr;
  void* hint = nullptr;
};

enum class Sent {
  ok,    ///< handed to libzmq; only an answer of the peer's proves delivery
  gone,  ///< the peer is not connected (any more); a Loan has been freed
};

/// A ZeroMQ socket served by a reactor, on the reactor's thread. There is no queue limit on the sending side: what is
/// in flight is bounded by credit.
class Socket {
 public:
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

 protected:
  /// Throws galena::Error.
  Socket(Context& context, Reactor& reactor, zmq::socket_type type, std::function<void()> on_readable);
  ~Socket();

  Sent send(zmq::message_t& message, zmq::send_flags flags);
  bool receive(zmq::message_t& message);

  Reactor& reactor_;
  zmq::socket_t socket_;

 private:
  std::unique_ptr<Reactor::Watch> watch_;
};

/// The bound side: many peers, each known by the routing id that libzmq gave it.
class Router : public Socket {
 public:
  struct Options {
    std::int64_t max_message_bytes = 64 << 20;   ///< a larger message ends its connection
    int receive_queue = 1000;                    ///< messages waiting per peer: strangers have no credit
    int send_queue = 0;                          ///< messages a peer may leave unread before it counts as gone; 0: any
    Duration linger = std::chrono::seconds(1);   ///< how long what was sent may still leave after destruction
    Duration give_up = std::chrono::seconds(5);  ///< a connection that acknowledges nothing for so long is closed
  };
  struct Message {
    std::string peer;
    bool delimited = false;  ///< an empty frame came before the body, as a REQ socket sends it
    Frame body;
    /// Who sent it; see Frame.
    std::string_view user_id() const { return body.user_id(); }
  };

  /// `on_readable` is called when there is something to receive; it should receive a bounded number of messages.
  /// `on_disconnected` is called when the connection of a peer that was heard from seems to have ended. It is a hint:
  /// the descriptor that libzmq names may be another peer's by now, so ask that one before believing it.
  /// Throws galena::Error: no descriptors are left, or libzmq refuses an option.
  Router(Context& context, Reactor& reactor, Options options, std::function<void()> on_readable,
         std::function<void(const std::string& peer)> on_disconnected = {});

  /// Returns the endpoint with wildcards filled in (`tcp://*:0` -> `tcp://0.0.0.0:40123`). Throws galena::Error.
  std::string bind(const std::string& endpoint);
  /// False, instead of an error, if somebody else has the endpoint.
  bool try_bind(const std::string& endpoint);
  void unbind(const std::string& endpoint);

  /// The next message, if one waits. A message of more frames than [delimiter] body comes with an empty body.
  std::optional<Message> receive();
  /// Copies `bytes`. With `delimited` an empty frame goes before, as a REQ socket expects it.
  Sent send(const std::string& peer, std::string_view bytes, bool delimited = false);
  Sent send(const std::string& peer, const Loan& loan);

 private:
  Sent send_to(const std::string& peer, zmq::message_t& body, bool delimited);

  std::function<void(const std::string&)> on_disconnected_;
  std::unordered_map<int, std::string> peers_;  // by descriptor; only with on_disconnected_
  std::unique_ptr<Monitor> monitor_;
};

/// The connecting side: one connection to one peer, once. It does not reconnect: make another one.
class Dealer : public Socket {
 public:
  struct Callbacks {
    std::function<void()> readable;      ///< receive a bounded number of frames
    std::function<void()> connected;     ///< the ZMTP handshake is done (not called for inproc)
    std::function<void()> disconnected;  ///< at most once; what has arrived can still be received (not for inproc)
  };
  struct Options {
    std::int64_t max_message_bytes = 64 << 20;  ///< a larger message ends the connection
    Duration linger = std::chrono::seconds(1);
  };

  /// Connects to `endpoint` (tcp, ipc or inproc) in the background.
  /// Throws: galena::Error (invalid) for an endpoint that ZeroMQ does not accept, (system) if no socket can be made or
  /// libzmq refuses an option.
  Dealer(Context& context, Reactor& reactor, const std::string& endpoint, Options options, Callbacks callbacks);

  /// The next frame, if one waits. Frames of a multipart message come one by one.
  std::optional<Frame> receive();
  void send(std::string_view bytes);
  void send(const Loan& loan);

 private:
  void handle_monitor(int what);

  Callbacks callbacks_;
  bool lost_ = false;
  std::unique_ptr<Monitor> monitor_;  // not for inproc
};

}  // namespace galena::net
