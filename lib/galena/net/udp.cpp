// SPDX-License-Identifier: Apache-2.0
#include "galena/net/udp.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "galena/error.hpp"

namespace galena::net {
namespace {

sockaddr_in to_sockaddr(std::uint32_t address, std::uint16_t port) {
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_addr.s_addr = htonl(address);
  in.sin_port = htons(port);
  return in;
}

bool set_option(int fd, int level, int option, int value) {
  return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

}  // namespace

UdpSocket::UdpSocket(Reactor& reactor, std::uint16_t port, std::function<void()> on_readable)
    : reactor_(reactor), port_(port), fd_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
  const sockaddr_in any = to_sockaddr(INADDR_ANY, port);
  // MULTICAST_ALL off: only groups joined here, not those that other programs of this host joined.
  if (fd_ < 0 || !set_option(fd_, SOL_SOCKET, SO_REUSEADDR, 1) || !set_option(fd_, SOL_SOCKET, SO_BROADCAST, 1) ||
      !set_option(fd_, IPPROTO_IP, IP_MULTICAST_ALL, 0) || !set_option(fd_, IPPROTO_IP, IP_PKTINFO, 1) ||
      bind(fd_, reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0) {
    const std::string why = std::strerror(errno);
    if (fd_ >= 0) close(fd_);
    throw Error(ErrorCode::system, "cannot listen on UDP port " + std::to_string(port) + ": " + why);
  }
  reactor_.add_fd(fd_, std::move(on_readable));
}

UdpSocket::~UdpSocket() {
  reactor_.remove_fd(fd_);
  close(fd_);
}

bool UdpSocket::join(std::uint32_t group, const Interface& on) {
  ip_mreqn request{};
  request.imr_multiaddr.s_addr = htonl(group);
  request.imr_address.s_addr = htonl(on.address);
  request.imr_ifindex = static_cast<int>(on.index);
  return setsockopt(fd_, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request) == 0 || errno == EADDRINUSE;
}

bool UdpSocket::send(const Interface& from, std::uint32_t to, std::string_view bytes) {
  const sockaddr_in target = to_sockaddr(to, port_);
  iovec data{const_cast<char*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(in_pktinfo))] = {};
  msghdr message{};
  message.msg_name = const_cast<sockaddr_in*>(&target);
  message.msg_namelen = sizeof target;
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = IPPROTO_IP;
  head->cmsg_type = IP_PKTINFO;
  head->cmsg_len = CMSG_LEN(sizeof(in_pktinfo));
  in_pktinfo info{};
  info.ipi_ifindex = static_cast<int>(from.index);
  info.ipi_spec_dst.s_addr = htonl(from.address);
  std::memcpy(CMSG_DATA(head), &info, sizeof info);
  return sendmsg(fd_, &message, 0) >= 0;
}

std::optional<UdpSocket::Datagram> UdpSocket::receive() {
  char buffer[2048];
  sockaddr_in from{};
  iovec data{buffer, sizeof buffer};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(in_pktinfo))] = {};
  msghdr message{};
  message.msg_name = &from;
  message.msg_namelen = sizeof from;
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t got = recvmsg(fd_, &message, 0);
  if (got < 0) return std::nullopt;
  in_pktinfo info{};
  const cmsghdr* const head = CMSG_FIRSTHDR(&message);
  if (head != nullptr && head->cmsg_level == IPPROTO_IP && head->cmsg_type == IP_PKTINFO) {
    std::memcpy(&info, CMSG_DATA(head), sizeof info);
  }
  return Datagram{ntohl(from.sin_addr.s_addr), static_cast<unsigned>(info.ipi_ifindex),
                  std::string(buffer, static_cast<std::size_t>(got))};
}

}  // namespace galena::net
