// SPDX-License-Identifier: Apache-2.0
#include "galena/net/reactor.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "net/net_fixture.hpp"

namespace galena::net {
namespace {

using namespace std::chrono_literals;

/// A pipe whose reading end a reactor may watch.
struct Pipe {
  Pipe() { REQUIRE(pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC) == 0); }
  ~Pipe() {
    close(ends[0]);
    close(ends[1]);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  int reader() const { return ends[0]; }
  void write_byte() const { REQUIRE(write(ends[1], "x", 1) == 1); }
  bool read_byte() const {
    char byte = 0;
    return read(ends[0], &byte, 1) == 1;
  }

  std::array<int, 2> ends{};
};

TEST_CASE("posted calls run in order, in a later turn, each once") {
  Reactor reactor;
  std::string order;
  reactor.post([&] {
    order += 'a';
    reactor.post([&] { order += 'c'; });
  });
  reactor.post([&] { order += 'b'; });
  CHECK(order.empty());
  reactor.turn(0s);
  CHECK(order == "ab");
  reactor.turn(0s);
  CHECK(order == "abc");
  reactor.turn(0s);
  CHECK(order == "abc");
}

TEST_CASE("a post from another thread wakes a reactor that waits for ever") {
  Reactor reactor;
  constexpr int each = 1000;
  int ran = 0;
  std::vector<std::thread> posters;
  for (int t = 0; t < 2; ++t) {
    posters.emplace_back([&] {
      for (int i = 0; i < each; ++i) {
        reactor.post([&] {
          if (++ran == 2 * each) reactor.stop();
        });
      }
    });
  }
  reactor.run();
  for (auto& poster : posters) poster.join();
  CHECK(ran == 2 * each);
}

TEST_CASE("stop ends run from another thread, also when it comes first") {
  Reactor reactor;
  std::thread stopper([&] { reactor.stop(); });
  reactor.run();
  stopper.join();
  reactor.run();
}

TEST_CASE("timers run in the order of their times, equal ones in the order they were set") {
  Reactor reactor;
  std::string order;
  const Time start = Clock::now();
  reactor.at(start + 3ms, [&] { order += 'd'; });
  reactor.at(start + 1ms, [&] { order += 'b'; });
  reactor.at(start + 1ms, [&] { order += 'c'; });
  reactor.at(start - 1s, [&] { order += 'a'; });
  CHECK(turn_until(reactor, [&] { return order.size() == 4; }));
  CHECK(order == "abcd");
}

TEST_CASE("a timer never runs early") {
  Reactor reactor;
  for (const Duration delay : {Duration(1us), Duration(700us), Duration(2ms), Duration(5ms)}) {
    const Time due = Clock::now() + delay;
    bool ran = false;
    bool early = false;
    reactor.at(due, [&] {
      ran = true;
      early = Clock::now() < due;
    });
    CHECK(turn_until(reactor, [&] { return ran; }));
    CHECK_FALSE(early);
  }
}

TEST_CASE("a timer wakes a reactor that waits for ever") {
  Reactor reactor;
  reactor.after(2ms, [&] { reactor.stop(); });
  reactor.run();
}

TEST_CASE("a cancelled timer does not run, not even when its neighbour cancels it in the same turn") {
  Reactor reactor;
  std::string order;
  const Time now = Clock::now();
  Reactor::TimerId second = 0;
  reactor.at(now, [&] {
    order += 'a';
    reactor.cancel(second);
  });
  second = reactor.at(now, [&] { order += 'b'; });
  const auto third = reactor.at(now, [&] { order += 'c'; });
  reactor.cancel(third);
  reactor.at(now, [&] { order += 'd'; });
  CHECK(turn_until(reactor, [&] { return order.size() == 2; }));
  turn_for(reactor, 5ms);
  CHECK(order == "ad");
}

TEST_CASE("cancelling nothing, twice, what has run, or itself does nothing") {
  Reactor reactor;
  int ran = 0;
  reactor.cancel(0);
  reactor.cancel(12345);
  Reactor::TimerId self = 0;
  self = reactor.after(0s, [&] {
    ++ran;
    reactor.cancel(self);
  });
  CHECK(turn_until(reactor, [&] { return ran == 1; }));
  reactor.cancel(self);
  const auto twice = reactor.after(0s, [&] { ++ran; });
  reactor.cancel(twice);
  reactor.cancel(twice);
  turn_for(reactor, 5ms);
  CHECK(ran == 1);
}

TEST_CASE("a timer that is never due never runs and does not disturb the wait") {
  Reactor reactor;
  bool ran = false;
  reactor.at(never, [&] { ran = true; });
  reactor.after(2ms, [&] { reactor.stop(); });
  reactor.run();
  CHECK_FALSE(ran);
}

TEST_CASE("a timer that sets itself again leaves room for everything else") {
  Reactor reactor;
  std::function<void()> again = [&] { reactor.after(0s, again); };
  again();
  int posted = 0;
  reactor.post([&] { ++posted; });
  CHECK(turn_until(reactor, [&] { return posted == 1; }));
  // Even when it asks for a time that has passed.
  std::function<void()> past = [&] { reactor.at(Time{}, past); };
  past();
  reactor.post([&] { ++posted; });
  CHECK(turn_until(reactor, [&] { return posted == 2; }));
}

TEST_CASE("a readable descriptor is served until it is read empty") {
  Pipe pipe;
  Reactor reactor;
  int read = 0;
  reactor.add_fd(pipe.reader(), [&] { read += pipe.read_byte() ? 1 : 0; });
  pipe.write_byte();
  pipe.write_byte();
  CHECK(turn_until(reactor, [&] { return read == 2; }));
  pipe.write_byte();
  CHECK(turn_until(reactor, [&] { return read == 3; }));
  reactor.remove_fd(pipe.reader());
  pipe.write_byte();
  turn_for(reactor, 5ms);
  CHECK(read == 3);
}

TEST_CASE("a descriptor's callback may remove itself and others that are ready in the same turn") {
  Pipe one;
  Pipe two;
  Reactor reactor;
  int calls = 0;
  const auto remove_both = [&] {
    ++calls;
    reactor.remove_fd(one.reader());
    reactor.remove_fd(two.reader());
  };
  reactor.add_fd(one.reader(), remove_both);
  reactor.add_fd(two.reader(), remove_both);
  one.write_byte();
  two.write_byte();
  CHECK(turn_until(reactor, [&] { return calls > 0; }));
  turn_for(reactor, 5ms);
  CHECK(calls == 1);
}

/// An eventfd that plays the part of a ZeroMQ socket's descriptor: input is counted apart from it.
struct Fake {
  explicit Fake(Reactor& on) : fd(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    watch = std::make_unique<Reactor::Watch>(
        on, fd, [this] { return input > 0; },
        [this] {
          ++calls;
          --input;
          if (on_readable) on_readable();
        });
  }
  ~Fake() {
    watch.reset();
    close(fd);
  }
  Fake(const Fake&) = delete;
  Fake& operator=(const Fake&) = delete;

  int fd;
  int input = 0;
  int calls = 0;
  std::function<void()> on_readable;
  std::unique_ptr<Reactor::Watch> watch;
};

TEST_CASE("a watch reads until its socket has no more, without another edge") {
  Reactor reactor;
  Fake socket(reactor);
  socket.input = 5;
  CHECK(turn_until(reactor, [&] { return socket.calls == 5; }));
  turn_for(reactor, 5ms);
  CHECK(socket.calls == 5);
  socket.input = 1;
  socket.watch->touch();
  CHECK(turn_until(reactor, [&] { return socket.calls == 6; }));
}

TEST_CASE("watches that always have input take turns with each other, posts and timers") {
  Reactor reactor;
  Fake one(reactor);
  Fake two(reactor);
  one.input = two.input = 1'000'000;
  int others = 0;
  reactor.post([&] { ++others; });
  reactor.after(0s, [&] { ++others; });
  for (int i = 0; i < 10; ++i) reactor.turn(1s);
  CHECK(one.calls == 10);
  CHECK(two.calls == 10);
  CHECK(others == 2);
}

TEST_CASE("a watch may be destroyed within its own callback, which keeps what it captured to its end") {
  Reactor reactor;
  const int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  std::unique_ptr<Reactor::Watch> watch;
  std::string seen;
  watch = std::make_unique<Reactor::Watch>(
      reactor, fd, [] { return true; },
      [&watch, &seen, captured = std::string("a text too long for a string to keep inside")] {
        watch.reset();
        seen += captured;
      });
  CHECK(turn_until(reactor, [&] { return !seen.empty(); }));
  turn_for(reactor, 5ms);
  CHECK(seen == "a text too long for a string to keep inside");
  close(fd);
}

TEST_CASE("a watch may be destroyed by another one's callback while both have input") {
  Reactor reactor;
  auto one = std::make_unique<Fake>(reactor);
  auto two = std::make_unique<Fake>(reactor);
  one->input = two->input = 100;
  one->on_readable = [&] { two.reset(); };
  two->on_readable = [&] { one.reset(); };
  // Whichever is served first takes the other away, in the middle of the turn that was to serve both.
  SUBCASE("the first") { two->on_readable = nullptr; }
  SUBCASE("the second") { one->on_readable = nullptr; }
  CHECK(turn_until(reactor, [&] { return !one || !two; }));
  turn_for(reactor, 5ms);
  CHECK(static_cast<bool>(one) != static_cast<bool>(two));
}

TEST_CASE("a new watch may take over the descriptor of one destroyed in the same turn") {
  Reactor reactor;
  auto one = std::make_unique<Fake>(reactor);
  one->input = 1;
  bool replaced = false;
  std::unique_ptr<Fake> two;
  reactor.post([&] {
    one.reset();
    two = std::make_unique<Fake>(reactor);  // the kernel hands out the lowest free descriptor: the same
    two->input = 3;
    replaced = true;
  });
  CHECK(turn_until(reactor, [&] { return replaced && two->calls == 3; }));
  turn_for(reactor, 5ms);
  CHECK(two->calls == 3);
}

}  // namespace
}  // namespace galena::net
