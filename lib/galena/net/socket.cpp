// SPDX-License-Identifier: Apache-2.0
#include "galena/net/socket.hpp"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <climits>
#include <cstring>

#include "galena/base/assert.hpp"
#include "galena/error.hpp"
#include "galena/net/descriptors.hpp"
#include "galena/net/tsan.hpp"

namespace galena::net {
namespace {

int int_ms(Duration duration) { return static_cast<int>(std::min<long long>(in_milliseconds(duration), INT_MAX)); }

/// Runs `configure`, which sets options of a socket.
template <class Configure>
void set_options(const Configure& configure) {
  try {
    configure();
  } catch (const zmq::error_t& error) {
    throw Error(ErrorCode::system, std::string("cannot set up a socket: ") + error.what());
  }
}

/// Of a socket with its monitor and a connection.
constexpr std::size_t descriptors_a_socket = 4;

zmq::socket_t open_socket(Context& context, zmq::socket_type type) {
  require_descriptors(descriptors_a_socket);
  try {
    return {context.zmq(), type};
  } catch (const zmq::error_t& error) {
    throw Error(ErrorCode::system, std::string("cannot open a socket: ") + error.what() +
                                       " (raise the limit of open files, or share fewer stages per process)");
  }
}

/// libzmq has no room for an option, a monitor or a descriptor.
Error no_socket(const zmq::error_t& error) {
  return {ErrorCode::system, std::string("cannot set up a socket: ") + error.what()};
}

/// A message that borrows the loan's memory. libzmq calls free also when the message is closed unsent.
zmq::message_t borrow(const Loan& loan) {
  tsan_release(loan.hint);
  return {const_cast<void*>(loan.data), loan.size, loan.free, loan.hint};
}

}  // namespace

std::string_view Frame::user_id() const { return metadata("User-Id"); }

// Over ipc it is host:user:group:process.
std::string_view Frame::peer_address() const {
  const std::string_view peer = metadata("Peer-Address");
  return peer.find(':') == peer.npos ? peer : std::string_view();
}

std::string_view Frame::peer_process() const {
  const std::string_view peer = metadata("Peer-Address");
  const std::size_t colon = peer.rfind(':');
  return colon == peer.npos ? std::string_view() : peer.substr(colon + 1);
}

std::size_t Frame::unread_bytes() const {
  int bytes = 0;
  const int descriptor = zmq_msg_get(message_.handle(), ZMQ_SRCFD);
  const bool known = descriptor >= 0 && ioctl(descriptor, SIOCOUTQ, &bytes) == 0 && bytes > 0;
  return known ? static_cast<std::size_t>(bytes) : 0;
}

std::string_view Frame::metadata(const char* key) const {
  const char* const value = zmq_msg_gets(message_.handle(), key);
  return value == nullptr ? std::string_view() : value;
}

Socket::Socket(Context& context, Reactor& reactor, zmq::socket_type type, std::function<void()> on_readable)
    : reactor_(reactor), socket_(open_socket(context, type)) {
  set_options([&] { socket_.set(zmq::sockopt::sndhwm, 0); });
  watch_ = std::make_unique<Reactor::Watch>(
      reactor_, socket_.get(zmq::sockopt::fd), [this] { return (socket_.get(zmq::sockopt::events) & ZMQ_POLLIN) != 0; },
      std::move(on_readable));
}

Socket::~Socket() = default;

Sent Socket::send(zmq::message_t& message, zmq::send_flags flags) {
  watch_->touch();
  tsan_release_sent();
  for (;;) {
    const int sent = zmq_msg_send(message.handle(), socket_.handle(), static_cast<int>(flags));
    if (sent >= 0) return Sent::ok;
    if (errno == EINTR) continue;
    // EAGAIN: a Router's limit is met, or (where there is none) the peer is on its way out.
    GALENA_ASSERT(errno == EHOSTUNREACH || errno == EAGAIN, zmq_strerror(errno));
    return Sent::gone;
  }
}

bool Socket::receive(zmq::message_t& message) {
  watch_->touch();
  for (;;) {
    if (zmq_msg_recv(message.handle(), socket_.handle(), ZMQ_DONTWAIT) >= 0) {
      tsan_acquire_received();
      return true;
    }
    if (errno == EINTR) continue;
    GALENA_ASSERT(errno == EAGAIN, zmq_strerror(errno));
    return false;
  }
}

Router::Router(Context& context, Reactor& reactor, Options options, std::function<void()> on_readable,
               std::function<void(const std::string&)> on_disconnected) try
    : Socket(context, reactor, zmq::socket_type::router, std::move(on_readable)),
      on_disconnected_(std::move(on_disconnected)) {
  set_options([&] {
    socket_.set(zmq::sockopt::router_mandatory, true);
    socket_.set(zmq::sockopt::rcvhwm, options.receive_queue);
    socket_.set(zmq::sockopt::sndhwm, options.send_queue);
    socket_.set(zmq::sockopt::maxmsgsize, options.max_message_bytes);
    socket_.set(zmq::sockopt::handshake_ivl, 3000);
    socket_.set(zmq::sockopt::linger, int_ms(options.linger));
    socket_.set(zmq::sockopt::tcp_keepalive, 1);
    socket_.set(zmq::sockopt::tcp_maxrt, int_ms(options.give_up));
  });
  if (on_disconnected_) {
    monitor_ =
        std::make_unique<Monitor>(context, reactor, socket_, ZMQ_EVENT_DISCONNECTED, [this](int, std::uint32_t fd) {
          const auto node = peers_.extract(static_cast<int>(fd));
          if (node) on_disconnected_(node.mapped());
        });
  }
} catch (const zmq::error_t& error) {
  throw no_socket(error);
}

std::string Router::bind(const std::string& endpoint) {
  try {
    socket_.bind(endpoint);
  } catch (const zmq::error_t& error) {
    throw Error(ErrorCode::system, "cannot bind " + endpoint + ": " + error.what());
  }
  return socket_.get(zmq::sockopt::last_endpoint);
}

bool Router::try_bind(const std::string& endpoint) {
  if (zmq_bind(socket_.handle(), endpoint.c_str()) == 0) return true;
  if (errno == EADDRINUSE) return false;
  throw Error(ErrorCode::system, "cannot bind " + endpoint + ": " + zmq_strerror(errno));
}

void Router::unbind(const std::string& endpoint) { zmq_unbind(socket_.handle(), endpoint.c_str()); }

std::optional<Router::Message> Router::receive() {
  zmq::message_t part;
  if (!Socket::receive(part)) return std::nullopt;
  Message message;
  message.peer = part.to_string();
  // libzmq hands out a message's frames only once all of them are there, so none of these receives comes up empty.
  std::size_t frames = 0;
  while (part.more()) {
    if (!Socket::receive(part)) break;
    ++frames;
    if (frames == 1 && part.more() && part.empty()) {
      message.delimited = true;
    } else if (!part.more() && frames == (message.delimited ? 2 : 1)) {
      if (on_disconnected_) peers_.insert_or_assign(zmq_msg_get(part.handle(), ZMQ_SRCFD), message.peer);
      message.body = Frame(std::move(part));
      break;
    }
  }
  return message;
}

Sent Router::send_to(const std::string& peer, zmq::message_t& body, bool delimited) {
  zmq::message_t id(peer.data(), peer.size());
  Sent sent = Socket::send(id, zmq::send_flags::sndmore | zmq::send_flags::dontwait);
  if (sent == Sent::gone && errno == EAGAIN) {
    // libzmq looks at what peers have read only now and then: a full queue may be one no longer.
    static_cast<void>(socket_.get(zmq::sockopt::events));
    sent = Socket::send(id, zmq::send_flags::sndmore | zmq::send_flags::dontwait);
  }
  if (sent != Sent::ok) return sent;  // MANDATORY answers on the id frame; `body` frees itself
  if (delimited) {
    zmq::message_t empty;
    Socket::send(empty, zmq::send_flags::sndmore | zmq::send_flags::dontwait);
  }
  return Socket::send(body, zmq::send_flags::dontwait);
}

Sent Router::send(const std::string& peer, std::string_view bytes, bool delimited) {
  zmq::message_t body(bytes.data(), bytes.size());
  return send_to(peer, body, delimited);
}

Sent Router::send(const std::string& peer, const Loan& loan) {
  zmq::message_t body = borrow(loan);
  return send_to(peer, body, false);
}

Dealer::Dealer(Context& context, Reactor& reactor, const std::string& endpoint, Options options,
               Callbacks callbacks) try
    : Socket(context, reactor, zmq::socket_type::dealer, callbacks.readable), callbacks_(std::move(callbacks)) {
  set_options([&] {
    socket_.set(zmq::sockopt::rcvhwm, 0);
    socket_.set(zmq::sockopt::reconnect_ivl, INT_MAX);
    socket_.set(zmq::sockopt::handshake_ivl, 3000);
    socket_.set(zmq::sockopt::linger, int_ms(options.linger));
    socket_.set(zmq::sockopt::maxmsgsize, options.max_message_bytes);
    socket_.set(zmq::sockopt::tcp_keepalive, 1);
  });
  if (!endpoint.starts_with("inproc://")) {
    const int events = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CLOSED |
                       ZMQ_EVENT_CONNECT_RETRIED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                       ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
    monitor_ = std::make_unique<Monitor>(context, reactor, socket_, events,
                                         [this](int what, std::uint32_t) { handle_monitor(what); });
  }
  if (zmq_connect(socket_.handle(), endpoint.c_str()) != 0) {
    throw Error(ErrorCode::invalid, "cannot connect to '" + endpoint + "': " + zmq_strerror(errno));
  }
} catch (const zmq::error_t& error) {
  throw no_socket(error);
}

/// The callbacks may destroy this Dealer.
void Dealer::handle_monitor(int what) {
  if (lost_) return;
  if (what == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
    if (const auto connected = callbacks_.connected) connected();
    return;
  }
  lost_ = true;
  if (const auto disconnected = callbacks_.disconnected) disconnected();
}

std::optional<Frame> Dealer::receive() {
  zmq::message_t part;
  if (!Socket::receive(part)) return std::nullopt;
  return Frame(std::move(part));
}

void Dealer::send(std::string_view bytes) {
  zmq::message_t body(bytes.data(), bytes.size());
  Socket::send(body, zmq::send_flags::dontwait);
}

void Dealer::send(const Loan& loan) {
  zmq::message_t body = borrow(loan);
  Socket::send(body, zmq::send_flags::dontwait);
}

}  // namespace galena::net
