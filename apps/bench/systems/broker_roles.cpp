// SPDX-License-Identifier: Apache-2.0
// A broker between: senders publish, receivers subscribe. As a broker drops what its subscribers do not take (or grows
// without bound), each receiver says now and then how far it is, and senders stay within 8 MiB of the slowest.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <thread>

#include <fmt/core.h>

#include "galena/error.hpp"
#include "run/pace.hpp"
#include "run/roles.hpp"
#include "systems/broker.hpp"

namespace galena::bench {

namespace {

constexpr const char* back_channel = "bench-back";

std::uint64_t most_ahead(const Shape& shape) { return std::max<std::uint64_t>(16, (8 << 20) / shape.bytes); }

/// "I, consumer number so and so, have so many."
struct Progress {
  std::uint64_t consumer = 0;
  std::uint64_t received = 0;
};

void receive_from(BrokerLink& link, BrokerLink& back, Meter& meter, const Shape& shape, std::uint64_t consumer) {
  const std::uint64_t step = most_ahead(shape) / 8;
  Progress progress{consumer, 0};
  std::uint64_t due = step;
  while (const auto payload = link.next(true)) {
    const bool more = meter.take(*payload);
    if (++progress.received == due || !more) {
      due += step;
      back.publish(back_channel, {reinterpret_cast<const char*>(&progress), sizeof progress});
      back.flush();
    }
    if (!more) return;
  }
}

}  // namespace

void broker_send(Room&, const Room::Desk& desk, const Task& task) {
  const Shape& shape = task.shape;
  BrokerLink out(shape.system, task.peer);
  BrokerLink back(shape.system, task.peer);
  back.subscribe(back_channel);
  desk.ready(task.peer);
  std::vector<std::uint64_t> received(shape.consumers());
  const auto hear = [&](bool wait) {
    const auto payload = back.next(wait);
    if (!payload) return false;
    Progress progress;
    std::memcpy(&progress, payload->data(), std::min(sizeof progress, payload->size()));
    if (progress.consumer < received.size()) received[progress.consumer] = progress.received;
    return true;
  };
  const auto slowest = [&] { return *std::min_element(received.begin(), received.end()); };

  const std::vector<std::string> topics = topic_names(shape);
  const std::uint64_t ahead = most_ahead(shape);
  std::string message(shape.bytes, 'x');
  const double cpu = cpu_seconds();
  std::uint64_t sent = 0;
  std::uint64_t allowed = ahead;
  const auto wait_until = [&](std::uint64_t wanted) {
    out.flush();
    while (slowest() < wanted) {
      if (!hear(true)) throw Error(ErrorCode::timeout, "the consumers did not take everything");
      out.next(false);  // answers to what was published are of no interest, but must be read
    }
  };
  Report report;
  report.sent = send_events(task, [&](const Ticket& ticket) {
    if (sent == allowed) {
      wait_until(sent - ahead / 2);
      allowed = slowest() + ahead;
    }
    ++sent;
    stamp(message.data(), ticket.word, ticket.time);
    out.publish(topics[ticket.topic], message);
    if (shape.rate > 0) {
      out.flush();
      out.next(false);
    }
  });
  wait_until(sent);
  report.cpu_seconds = cpu_seconds() - cpu;
  desk.report(report);
  desk.wait();
}

void broker_receive(Room&, const Room::Desk& desk, const Task& task) {
  const Shape& shape = task.shape;
  std::vector<std::unique_ptr<BrokerLink>> links;
  std::vector<std::unique_ptr<BrokerLink>> backs;
  std::vector<std::unique_ptr<Meter>> meters;
  for (std::uint64_t link = 0; link < shape.links; ++link) {
    links.push_back(std::make_unique<BrokerLink>(shape.system, task.peer));
    backs.push_back(std::make_unique<BrokerLink>(shape.system, task.peer));
    for (std::uint64_t i = 0; i < shape.topics; ++i) links.back()->subscribe(topic_name(i));
    meters.push_back(std::make_unique<Meter>(task, task.index * shape.links + link));
  }
  desk.ready(task.peer);
  std::vector<std::thread> threads;
  for (std::size_t link = 0; link < links.size(); ++link) {
    threads.emplace_back(
        [&, link] { receive_from(*links[link], *backs[link], *meters[link], shape, task.index * shape.links + link); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& meter : meters) {
    if (!meter->complete()) throw Error(ErrorCode::timeout, meter->problem());
  }
  desk.report(Meter::report(meters));
  desk.wait();
}

/// Becomes the server, at a port that was free a moment before.
void broker_serve(Room&, const Room::Desk& desk, const Task& task) {
  std::string port;
  { const Descriptor listener = listen_on(Transport::tcp, port); }
  desk.ready(fmt::format("{} {}", port, getpid()));
  const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  dup2(nowhere, STDOUT_FILENO);
  const std::string program = broker_program(task.shape.system);
  std::vector<std::string> words{program};
  if (task.shape.system == System::nats) {
    words.insert(words.end(), {"-a", "127.0.0.1", "-p", port, "-l", "/dev/null"});
  } else {
    words.insert(words.end(), {"--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no",
                               "--client-output-buffer-limit", "pubsub 0 0 0"});
  }
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  execv(program.c_str(), argv.data());
  throw Error(ErrorCode::system, "cannot start " + program + ": " + strerror(errno));
}

}  // namespace galena::bench
