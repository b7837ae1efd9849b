// SPDX-License-Identifier: Apache-2.0
// A long way between two processes of one host: what comes in at one end of a connection goes out at the other a fixed
// time later. The first producer is found by way of it under a second name.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <thread>

#include "delay/second_name.hpp"
#include "run/roles.hpp"
#include "systems/galena.hpp"
#include "systems/socket.hpp"

namespace galena::bench {

namespace {

constexpr std::size_t chunk_bytes = 256 << 10;
/// On its way in one direction. More than what 1 GB/s puts into 40 ms.
constexpr std::size_t most_on_the_way = 256 << 20;

struct Chunk {
  Time due;
  std::vector<char> bytes = {};
  std::size_t used = 0;
  std::size_t written = 0;
};

/// One direction of a connection.
class DelayLine {
 public:
  DelayLine(int from, int to, Duration delay) : from_(from), to_(to), delay_(delay) {}

  void read(Time now) {
    while (can_read()) {
      Chunk chunk{now + delay_, take_spare()};
      const ssize_t got = recv(from_, chunk.bytes.data(), chunk.bytes.size(), MSG_DONTWAIT);
      if (got <= 0) {
        if (got == 0 || (errno != EAGAIN && errno != EINTR)) ended_ = true;
        spare_.push_back(std::move(chunk.bytes));
        return;
      }
      chunk.used = static_cast<std::size_t>(got);
      waiting_ += chunk.used;
      const bool full = chunk.used == chunk.bytes.size();
      chunks_.push_back(std::move(chunk));
      if (!full) return;
    }
  }

  void write(Time now) {
    blocked_ = false;
    while (!chunks_.empty() && chunks_.front().due <= now) {
      Chunk& chunk = chunks_.front();
      const ssize_t written =
          send(to_, chunk.bytes.data() + chunk.written, chunk.used - chunk.written, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (written < 0) {
        blocked_ = errno == EAGAIN || errno == EINTR;
        broken_ = !blocked_;
        return;
      }
      chunk.written += static_cast<std::size_t>(written);
      if (chunk.written < chunk.used) continue;
      waiting_ -= chunk.used;
      spare_.push_back(std::move(chunk.bytes));
      chunks_.pop_front();
    }
  }

  bool can_read() const { return !ended_ && waiting_ < most_on_the_way; }
  bool blocked() const { return blocked_; }
  bool over() const { return broken_ || (ended_ && chunks_.empty()); }
  Time due() const { return chunks_.empty() || blocked_ ? never : chunks_.front().due; }

 private:
  std::vector<char> take_spare() {
    if (spare_.empty()) return std::vector<char>(chunk_bytes);
    std::vector<char> bytes = std::move(spare_.back());
    spare_.pop_back();
    return bytes;
  }

  int from_;
  int to_;
  Duration delay_;
  std::deque<Chunk> chunks_;
  std::vector<std::vector<char>> spare_;
  std::size_t waiting_ = 0;
  bool ended_ = false;
  bool blocked_ = false;
  bool broken_ = false;
};

/// Both directions, until one of them is over.
void carry(const Descriptor& near_end, const Descriptor& far_end, Duration delay) {
  prctl(PR_SET_TIMERSLACK, 1);
  DelayLine up(near_end.get(), far_end.get(), delay);
  DelayLine down(far_end.get(), near_end.get(), delay);
  const auto events = [](const DelayLine& in, const DelayLine& out) {
    return static_cast<short>((in.can_read() ? POLLIN : 0) | (out.blocked() ? POLLOUT : 0));
  };
  while (!up.over() && !down.over()) {
    pollfd sockets[2] = {{near_end.get(), events(up, down), 0}, {far_end.get(), events(down, up), 0}};
    const Time due = std::min(up.due(), down.due());
    timespec timeout{};
    if (due != never) {
      const auto left = std::max<std::int64_t>(0, (due - Clock::now()) / std::chrono::nanoseconds(1));
      timeout = {static_cast<time_t>(left / 1'000'000'000), static_cast<long>(left % 1'000'000'000)};
    }
    ppoll(sockets, 2, due == never ? nullptr : &timeout, nullptr);
    const Time now = Clock::now();
    up.read(now);
    down.read(now);
    up.write(now);
    down.write(now);
  }
}

}  // namespace

void delay_proxy(Room&, const Room::Desk& desk, const Task& task) {
  const Duration delay = std::chrono::microseconds(task.shape.delay_us);
  std::string port;
  const Descriptor listener = listen_on(Transport::tcp, port);
  SecondName name({task.peer, producer_name(0), far_name, "tcp://127.0.0.1:" + port});
  desk.ready(task.peer);
  for (;;) {
    Descriptor near_end = accept_from(listener);
    Descriptor far_end = connect_to(Transport::tcp, name.target());
    std::thread([near = std::move(near_end), far = std::move(far_end), delay] { carry(near, far, delay); }).detach();
  }
}

}  // namespace galena::bench
