// SPDX-License-Identifier: Apache-2.0
#include "systems/socket.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <thread>
#include <utility>

#include "galena/error.hpp"
#include "galena/id.hpp"
#include "galena/time.hpp"

namespace galena::bench {

namespace {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

Address loopback_address(std::uint16_t port) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  at.sin_port = htons(port);
  Address address;
  std::memcpy(&address.storage, &at, sizeof at);
  address.size = sizeof at;
  return address;
}

/// In the abstract namespace, which leaves no file.
Address local_address(const std::string& name) {
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  const std::size_t length = std::min(name.size(), sizeof at.sun_path - 1);
  std::memcpy(at.sun_path + 1, name.data(), length);
  Address address;
  std::memcpy(&address.storage, &at, sizeof at);
  address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + length);
  return address;
}

Address address_of(Transport transport, const std::string& peer) {
  if (transport == Transport::ipc) return local_address(peer);
  return loopback_address(static_cast<std::uint16_t>(std::stoi(peer)));
}

Descriptor make_socket(Transport transport) {
  const int family = transport == Transport::ipc ? AF_UNIX : AF_INET;
  return Descriptor(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

/// Local sockets have no such option, and need none.
void send_at_once(const Descriptor& socket) {
  const int on = 1;
  setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

int check_system(const char* what, long result) {
  if (result < 0) throw Error(ErrorCode::system, std::string(what) + ": " + strerror(errno));
  return static_cast<int>(result);
}

Descriptor::Descriptor(int number) : number_(check_system("socket", number)) {}
Descriptor::~Descriptor() {
  if (number_ >= 0) close(number_);
}
Descriptor::Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}

Descriptor listen_on(Transport transport, std::string& peer) {
  Descriptor listener = make_socket(transport);
  if (transport == Transport::ipc) peer = "galena-bench/" + Id::random().hex();
  Address address = transport == Transport::ipc ? local_address(peer) : loopback_address(0);
  check_system("bind", bind(listener.get(), address.get(), address.size));
  check_system("listen", listen(listener.get(), 16));
  if (transport != Transport::ipc) {
    sockaddr_in at{};
    socklen_t size = sizeof at;
    check_system("getsockname", getsockname(listener.get(), reinterpret_cast<sockaddr*>(&at), &size));
    peer = std::to_string(ntohs(at.sin_port));
  }
  return listener;
}

Descriptor accept_from(const Descriptor& listener) {
  Descriptor socket(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  send_at_once(socket);
  return socket;
}

Descriptor connect_to(Transport transport, const std::string& peer, int patience_ms) {
  const Time end = Clock::now() + std::chrono::milliseconds(patience_ms);
  Address address = address_of(transport, peer);
  for (;;) {
    Descriptor socket = make_socket(transport);
    if (connect(socket.get(), address.get(), address.size) == 0) {
      send_at_once(socket);
      return socket;
    }
    if (errno != ECONNREFUSED || Clock::now() >= end) check_system("connect", -1);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

void write_all(const Descriptor& socket, const char* bytes, std::size_t size) {
  while (size > 0) {
    const ssize_t written = send(socket.get(), bytes, size, MSG_NOSIGNAL);
    if (written < 0 && errno == EINTR) continue;
    check_system("send", written);
    bytes += written;
    size -= static_cast<std::size_t>(written);
  }
}

std::size_t read_some(const Descriptor& socket, char* bytes, std::size_t size) {
  for (;;) {
    const ssize_t got = recv(socket.get(), bytes, size, 0);
    if (got < 0 && errno == EINTR) continue;
    return static_cast<std::size_t>(check_system("recv", got));
  }
}

}  // namespace galena::bench
