// SPDX-License-Identifier: Apache-2.0
// What a Node does to its process, and what becomes of it in a process that was forked from that.
#include <doctest/doctest.h>

#include <pthread.h>
#include <sys/resource.h>

#include <atomic>
#include <csignal>
#include <cstdlib>

#include "galena/stage/loop.hpp"
#include "net/forked.hpp"
#include "stage/stage_fixture.hpp"

namespace galena::test {
namespace {

using namespace std::chrono_literals;

/// Whether `call` throws the error that says why nothing works in a forked process.
bool refuses(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code() == ErrorCode::invalid && std::string(error.what()).find("forked") != std::string::npos;
  }
  return false;
}

TEST_CASE("in a forked process a node and its stages refuse to work, and their destructors do not wait") {
  Realm realm;
  auto node = std::make_unique<Node>(realm.options());
  auto service = std::make_unique<NameService>(NameServiceOptions{.domain = realm.domain, .beacon = false});
  Keep keep;
  auto producer = std::make_unique<Producer<>>(*node, ProducerOptions{.name = global("p")});
  auto consumer = std::make_unique<Consumer<Keep>>(*node, keep, of(global("p")));
  auto remote = std::make_unique<RemoteProducer<>>(*node, global("p"));
  producer->ingest("t", "0");
  REQUIRE(keep.events->wait_for(1));
  CHECK(forked([&] {
          if (!refuses([&] { node->run(); })) return 1;
          if (!refuses([&] { (void)node->run_for(1h); })) return 2;
          if (!refuses([&] { node->list(); })) return 3;
          if (!refuses([&] { node->stats(global("p")); })) return 4;
          if (!refuses([&] { node->ingest(global("p"), "t", std::string("1")); })) return 5;
          if (!refuses([&] { node->stop(); })) return 6;
          if (!refuses([&] { Producer<> another(*node); })) return 7;
          if (!refuses([&] { RemoteProducer another(*node, global("p")); })) return 8;
          consumer.reset();
          remote.reset();
          producer.reset();
          node.reset();
          service.reset();
          return 0;
        }) == "exit 0");
  producer->ingest("t", "1");  // the parent goes on
  CHECK(keep.events->wait_for(2));
}

TEST_CASE("a forked process can make a node of its own") {
  Realm realm;
  Node node(realm.options());
  CHECK(forked([&] {
          Node own(realm.options());
          Keep keep;
          Producer<> producer(own);
          Consumer<Keep> consumer(own, keep, of(producer));
          producer.ingest("t", "0");
          return keep.events->wait_for(1) ? 0 : 1;
        }) == "exit 0");
}

TEST_CASE("a node leaves its process as it is if it is told to") {
  CHECK(forked([] {
          rlimit files{};
          getrlimit(RLIMIT_NOFILE, &files);
          files.rlim_cur = 512;
          setrlimit(RLIMIT_NOFILE, &files);
          std::srand(1);
          const int expected = std::rand();
          std::srand(1);
          NodeOptions options = Realm{}.options();
          options.tune_process = false;
          const Node node(options);
          if (std::rand() != expected) return 1;
          getrlimit(RLIMIT_NOFILE, &files);
          return files.rlim_cur == 512 ? 0 : 2;
        }) == "exit 0");
}

TEST_CASE("a thread that cannot be started is an Error, and leaves the caller's signals as they were") {
  CHECK(forked([] {
          pthread_attr_t more_stack_than_there_is;
          pthread_attr_init(&more_stack_than_there_is);
          pthread_attr_setstacksize(&more_stack_than_there_is, std::size_t{1} << 50);
          pthread_setattr_default_np(&more_stack_than_there_is);
          try {
            const detail::Loop loop;
            return 1;
          } catch (const Error& error) {
            if (error.code() != ErrorCode::system) return 2;
          }
          sigset_t blocked;
          pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
          return sigismember(&blocked, SIGTERM) == 0 ? 0 : 3;
        }) == "exit 0");
}

TEST_CASE("two threads that would wait for each other for ever are told so, one of them") {
  detail::Loop one;
  detail::Loop other;
  std::atomic<int> running{0};
  std::atomic<int> refused{0};
  std::atomic<int> worked{0};
  const auto call = [&](detail::Loop& loop) {
    return [&] {
      ++running;
      CHECK(eventually([&] { return running == 2; }));  // both threads are busy before either waits
      try {
        loop.call([&] { ++worked; });
      } catch (const Error& error) {
        if (error.code() == ErrorCode::invalid) ++refused;
      }
    };
  };
  one.post(call(other));
  other.post(call(one));
  one.call([] {});
  other.call([] {});
  CHECK(refused == 1);
  CHECK(worked == 1);
}

TEST_CASE("a name service is bound to TCP, and says so if it is asked for something else") {
  for (const std::string& bind :
       std::vector<std::string>{"ipc://x", "inproc://x", "nonsense", "tcp://127.0.0.1", "tcp://127.0.0.1:70000"}) {
    CAPTURE(bind);
    CHECK_THROWS_AS(NameService({.domain = Realm{}.domain, .bind = bind, .beacon = false}), Error);
  }
}

}  // namespace
}  // namespace galena::test
