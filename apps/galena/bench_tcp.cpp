// SPDX-License-Identifier: Apache-2.0
// The least that could do the job: records (topic length u8, topic, message length u32, message) packed into writes of
// 64 KiB, and taken apart on the other side. Nobody finds anybody, nothing is acknowledged, nobody can hold back.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "bench_meter.hpp"
#include "bench_roles.hpp"
#include "galena/base/error.hpp"

namespace galena::cli {

namespace {

constexpr std::size_t write_bytes = 64 * 1024;
constexpr std::size_t head_bytes = 1 + bench_topic.size() + 4;

int check(int result) {
  if (result < 0) throw Error(ErrorCode::system, std::string("tcp: ") + strerror(errno));
  return result;
}

struct Descriptor {
  int number;
  explicit Descriptor(int of) : number(check(of)) {}
  ~Descriptor() { close(number); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
};

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

void write_all(int socket, const char* bytes, std::size_t size) {
  while (size > 0) {
    const ssize_t written = send(socket, bytes, size, MSG_NOSIGNAL);
    if (written < 0 && errno == EINTR) continue;
    check(static_cast<int>(written));
    bytes += written;
    size -= static_cast<std::size_t>(written);
  }
}

/// Takes whole records off the front of `bytes`. False when the meter has had enough.
bool take_records(std::string_view& bytes, Meter& meter) {
  while (bytes.size() >= head_bytes) {
    const std::size_t topic = static_cast<unsigned char>(bytes[0]);
    std::uint32_t size = 0;
    std::memcpy(&size, bytes.data() + 1 + topic, sizeof size);
    const std::size_t head = 1 + topic + sizeof size;
    if (bytes.size() < head + size) return true;
    if (!meter.take(bytes.substr(head, size))) return false;
    bytes.remove_prefix(head + size);
  }
  return true;
}

}  // namespace

void tcp_send(const BenchTask& task) {
  const Descriptor socket(::socket(AF_INET, SOCK_STREAM, 0));
  const sockaddr_in address = loopback(static_cast<std::uint16_t>(std::stoi(task.peer)));
  check(connect(socket.number, reinterpret_cast<const sockaddr*>(&address), sizeof address));
  const int on = 1;
  check(setsockopt(socket.number, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));

  const auto size = static_cast<std::uint32_t>(task.bytes);
  std::string record(1, static_cast<char>(bench_topic.size()));
  record.append(bench_topic).append(reinterpret_cast<const char*>(&size), sizeof size).append(task.bytes, 'x');
  std::vector<char> buffer(write_bytes + record.size());
  std::size_t used = 0;

  const double cpu = cpu_seconds();
  BenchReport report;
  report.events = send_events(task, [&](std::uint64_t word) {
    stamp(record.data() + head_bytes, word, task.rate > 0);
    std::memcpy(buffer.data() + used, record.data(), record.size());
    used += record.size();
    if (used >= write_bytes || task.rate > 0 || (word & last_event) != 0) {
      write_all(socket.number, buffer.data(), used);
      used = 0;
    }
  });
  report.cpu_seconds = cpu_seconds() - cpu;
  say_report(report);
  pause();
}

void tcp_receive(const BenchTask& task) {
  const Descriptor listener(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  check(bind(listener.number, reinterpret_cast<const sockaddr*>(&address), length));
  check(listen(listener.number, 1));
  check(getsockname(listener.number, reinterpret_cast<sockaddr*>(&address), &length));
  say_ready(std::to_string(ntohs(address.sin_port)));
  const Descriptor socket(accept(listener.number, nullptr, nullptr));

  Meter meter(task);
  std::vector<char> buffer(2 * (write_bytes + head_bytes + task.bytes));
  std::size_t used = 0;
  for (bool more = true; more;) {
    const ssize_t got = recv(socket.number, buffer.data() + used, buffer.size() - used, 0);
    if (got < 0 && errno == EINTR) continue;
    if (check(static_cast<int>(got)) == 0) break;
    used += static_cast<std::size_t>(got);
    std::string_view bytes(buffer.data(), used);
    more = take_records(bytes, meter);
    used = bytes.size();
    std::memmove(buffer.data(), bytes.data(), used);
  }
  if (!meter.complete()) throw Error(ErrorCode::timeout, meter.problem());
  say_report(meter.report());
  pause();
}

}  // namespace galena::cli
