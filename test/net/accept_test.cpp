// SPDX-License-Identifier: Apache-2.0
#include "galena/net/accept.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "galena/error.hpp"
#include "galena/id.hpp"
#include "galena/net/descriptors.hpp"
#include "galena/net/socket.hpp"
#include "net/forked.hpp"
#include "net/net_fixture.hpp"

namespace galena::net {
namespace {

/// While it lives, this process may have only so many descriptors.
class DescriptorLimit {
 public:
  explicit DescriptorLimit(rlim_t limit) {
    getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit low{limit, before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &low);
  }
  ~DescriptorLimit() { setrlimit(RLIMIT_NOFILE, &before_); }
  DescriptorLimit(const DescriptorLimit&) = delete;
  DescriptorLimit& operator=(const DescriptorLimit&) = delete;

 private:
  rlimit before_{};
};

int connect_to(const std::string& endpoint) {
  if (endpoint.starts_with("tcp://")) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(endpoint.c_str() + endpoint.rfind(':') + 1)));
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    return connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 ? fd : -1;
  }
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = endpoint.substr(std::string("ipc://@").size());
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  return connect(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 ? fd : -1;
}

/// Another process, which connects and says nothing, until this object ends.
class Strangers {
 public:
  Strangers(const std::string& endpoint, int count) {
    std::array<int, 2> ready{};
    std::array<int, 2> leave{};
    REQUIRE(pipe(ready.data()) == 0);
    REQUIRE(pipe(leave.data()) == 0);
    process_ = fork();
    if (process_ == 0) {
      close(leave[1]);
      alarm(60);
      rlimit own{};
      getrlimit(RLIMIT_NOFILE, &own);
      own.rlim_cur = own.rlim_max;
      setrlimit(RLIMIT_NOFILE, &own);
      for (int i = 0; i < count; ++i) connect_to(endpoint);
      char byte = 0;
      [[maybe_unused]] auto done = write(ready[1], &byte, 1);
      done = read(leave[0], &byte, 1);  // nothing comes; it returns when the other end is closed
      _exit(0);
    }
    close(ready[1]);
    close(leave[0]);
    ready_ = Descriptor(ready[0]);
    leave_ = Descriptor(leave[1]);
  }
  ~Strangers() {
    leave_ = {};
    waitpid(process_, nullptr, 0);
  }
  Strangers(const Strangers&) = delete;
  Strangers& operator=(const Strangers&) = delete;

  bool have_come() const {
    pollfd asked{ready_.get(), POLLIN, 0};
    return poll(&asked, 1, 0) == 1;
  }

 private:
  pid_t process_ = 0;
  Descriptor ready_;
  Descriptor leave_;
};

TEST_CASE("strangers do not take the last descriptors, and friends are let in again when there are enough") {
  struct Row {
    std::string address;
    rlim_t limit;
    std::size_t reserved;
  };
  const std::string local = "ipc://@galena-doors-";
  const std::string remote = "tcp://127.0.0.1:*";
  for (const Row& row : {Row{local + Id::random().hex(), 64, 8}, Row{local + Id::random().hex(), 200, 25},
                         Row{remote, 64, 8}, Row{remote, 200, 25}}) {
    CAPTURE(row.address);
    CAPTURE(row.limit);
    const DescriptorLimit limit(row.limit);
    Context context(false);
    Reactor reactor;
    const std::uint64_t refused_before = refused_connections();
    RefusalNotice notice;
    std::vector<std::string> warnings;
    const Logger logger{.sink = [&](LogLevel, std::string_view text) { warnings.emplace_back(text); }};
    std::vector<std::string> received;
    Router router(context, reactor, {}, [&] {
      while (auto message = router.receive()) received.emplace_back(message->body.bytes());
    });
    const std::string endpoint = router.bind(row.address);
    {
      const Strangers strangers(endpoint, 400);
      std::size_t least = row.limit;
      const auto note_least = [&](bool done) {
        least = std::min(least, free_descriptors(row.limit));
        return done;
      };
      CHECK(turn_until(reactor, [&] { return note_least(strangers.have_come()); }));
      CHECK(turn_until(reactor, [&] { return note_least(refused_connections() > refused_before); }));
      CHECK(least >= row.reserved - 1);  // one is being refused
      CHECK(least < row.reserved + 20);
    }
    CHECK(turn_until(reactor, [&] { return free_descriptors(row.limit) > row.reserved + 8; }));
    Dealer friends(context, reactor, endpoint, {}, {[] {}, {}, {}});
    friends.send("hello");
    CHECK(turn_until(reactor, [&] { return received == std::vector<std::string>{"hello"}; }));
    notice.look(logger);
    notice.look(logger);
    REQUIRE(warnings.size() == 1);
    CHECK(warnings[0] == std::to_string(refused_connections() - refused_before) +
                             " connections were refused: hardly any of the " + std::to_string(row.limit) +
                             " descriptors are left that this process may have (ulimit -n)");
  }
}

TEST_CASE("a process that itself opens the last descriptors does not end when somebody connects") {
  const DescriptorLimit limit(64);
  Context context(false);
  Reactor reactor;
  std::vector<std::string> received;
  Router router(context, reactor, {}, [&] {
    while (auto message = router.receive()) received.emplace_back(message->body.bytes());
  });
  const std::string endpoint = router.bind("ipc://@galena-doors-" + Id::random().hex());
  std::vector<Descriptor> taken;
  while (free_descriptors(6) > 5) taken.emplace_back(dup(0));
  {
    const Strangers strangers(endpoint, 20);
    while (free_descriptors(1) > 0) taken.emplace_back(dup(0));
    // More fit into the listener's queue than come, so they all connect, whatever becomes of them.
    CHECK(turn_until(reactor, [&] { return strangers.have_come(); }));
    turn_for(reactor);
  }
  taken.clear();
  Dealer friends(context, reactor, endpoint, {}, {[] {}, {}, {}});
  friends.send("hello");
  CHECK(turn_until(reactor, [&] { return received == std::vector<std::string>{"hello"}; }));
}

std::string text_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code() == ErrorCode::system ? error.what() : "another code";
  }
  return "it worked";
}

TEST_CASE("a context or a socket that would need the reserved descriptors is an error, and says what to do") {
  for (const rlim_t limit : {24U, 64U, 200U}) {
    CAPTURE(limit);
    const DescriptorLimit low(limit);
    const std::string text = "too few descriptors are left of the " + std::to_string(limit);
    std::optional<Context> context;
    std::optional<Reactor> reactor;
    if (limit > 24) {
      context.emplace(false);
      reactor.emplace();
      const Router one(*context, *reactor, {}, [] {});
    }
    std::vector<Descriptor> taken;
    while (free_descriptors(limit) > reserved_descriptors() + 3) taken.emplace_back(dup(0));
    CHECK(text_of([] { const Context another(false); }).find(text) == 0);
    if (context) CHECK(text_of([&] { const Router another(*context, *reactor, {}, [] {}); }).find(text) == 0);
  }
}

TEST_CASE("a context whose threads cannot be started is an error") {
  const std::string end = forked([] {
    const rlimit none{1, 1};
    setrlimit(RLIMIT_NPROC, &none);
    if (getuid() == 0 && setuid(65534) != 0) return 2;  // root has no such limit
    return text_of([] { const Context context(false); }).find("cannot start a thread") == 0 ? 0 : 1;
  });
  CHECK(end == "exit 0");
}

TEST_CASE("descriptors are counted: those that are free, up to as many as are enough") {
  const std::size_t limit = descriptor_limit();
  const std::size_t before = free_descriptors(limit);
  const Descriptor one(dup(0));
  const Descriptor another(dup(0));
  CHECK(free_descriptors(limit) + 2 == before);
  CHECK(free_descriptors(1) >= 1);
}

}  // namespace
}  // namespace galena::net
