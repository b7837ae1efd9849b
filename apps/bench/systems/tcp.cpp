// SPDX-License-Identifier: Apache-2.0
// The least that could do the job: records (topic length u8, topic, message length u32, message) packed into writes of
// 64 KiB, and taken apart on the other side. Nobody finds anybody, nothing is acknowledged, nobody can hold back.
#include <cstring>
#include <string>
#include <vector>

#include "galena/error.hpp"
#include "run/pace.hpp"
#include "run/roles.hpp"
#include "systems/socket.hpp"

namespace galena::bench {

namespace {

constexpr std::size_t write_bytes = 64 * 1024;
constexpr std::size_t length_bytes = 4;

/// Takes whole records off the front of `bytes`. False when the meter has had enough.
bool take_records(std::string_view& bytes, Meter& meter) {
  while (bytes.size() > 1 + length_bytes) {
    const std::size_t topic = static_cast<unsigned char>(bytes[0]);
    const std::size_t head = 1 + topic + length_bytes;
    if (bytes.size() < head) return true;
    std::uint32_t size = 0;
    std::memcpy(&size, bytes.data() + 1 + topic, sizeof size);
    if (bytes.size() < head + size) return true;
    if (!meter.take(bytes.substr(head, size))) return false;
    bytes.remove_prefix(head + size);
  }
  return true;
}

}  // namespace

void tcp_send(Room&, const Room::Desk& desk, const Task& task) {
  const Descriptor socket = connect_to(task.shape.transport, task.peer);
  const std::vector<std::string> topics = topic_names(task.shape);
  const std::size_t topic_bytes = topics.front().size();
  const std::size_t head_bytes = 1 + topic_bytes + length_bytes;
  const auto size = static_cast<std::uint32_t>(task.shape.bytes);
  std::string record(1, static_cast<char>(topic_bytes));
  record.append(topics.front()).append(reinterpret_cast<const char*>(&size), sizeof size).append(size, 'x');
  std::vector<char> buffer(write_bytes + record.size());
  std::size_t used = 0;

  const double cpu = cpu_seconds();
  Report report;
  report.sent = send_events(task, [&](const Ticket& ticket) {
    std::memcpy(record.data() + 1, topics[ticket.topic].data(), topic_bytes);
    stamp(record.data() + head_bytes, ticket.word, ticket.time);
    std::memcpy(buffer.data() + used, record.data(), record.size());
    used += record.size();
    if (used >= write_bytes || task.shape.rate > 0 || (ticket.word & last_event) != 0) {
      write_all(socket, buffer.data(), used);
      used = 0;
    }
  });
  report.cpu_seconds = cpu_seconds() - cpu;
  desk.report(report);
  desk.wait();
}

void tcp_receive(Room&, const Room::Desk& desk, const Task& task) {
  std::string peer;
  const Descriptor listener = listen_on(task.shape.transport, peer);
  desk.ready(peer);
  const Descriptor socket = accept_from(listener);

  std::vector<std::unique_ptr<Meter>> meters;
  meters.push_back(std::make_unique<Meter>(task, task.index));
  std::vector<char> buffer(2 * (write_bytes + task.shape.bytes + 64));
  std::size_t used = 0;
  for (bool more = true; more;) {
    const std::size_t got = read_some(socket, buffer.data() + used, buffer.size() - used);
    if (got == 0) break;
    used += got;
    std::string_view bytes(buffer.data(), used);
    more = take_records(bytes, *meters.front());
    used = bytes.size();
    std::memmove(buffer.data(), bytes.data(), used);
  }
  if (!meters.front()->complete()) throw Error(ErrorCode::timeout, meters.front()->problem());
  desk.report(Meter::report(meters));
  desk.wait();
}

}  // namespace galena::bench
