// SPDX-License-Identifier: Apache-2.0
// One producer and one consumer, whose instructions instructions_test.py counts. Arguments: what is sent, how many, and
// `through` or `produce`: for a consumer that is away, so that no other thread has anything to do.
#include <galena/galena.hpp>
#include <galena/msgpack.hpp>

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

namespace {

using namespace galena;

/// What sensors send: one field of each kind.
struct Reading {
  std::uint64_t number = 0;
  double value = 21.5;
  std::string unit = "celsius";
  bool valid = true;
  std::uint32_t sensor = 7;
  MSGPACK_DEFINE(number, value, unit, valid, sensor)
};

struct Count {
  long* events;
  void handle_consume(std::string_view, std::string_view) { ++*events; }
};
struct CountReadings {
  long* events;
  void handle_consume(std::string_view, const Reading&) { ++*events; }
};

/// Apart, and by this name, so that what it costs can be told from all else.
template <class Message>
[[gnu::noinline]] void ingest_all(Producer<>& producer, const Message& message, long count) {
  for (long i = 0; i < count; ++i) producer.ingest("sensor/0001", message);
}

template <class Handler, class Message>
bool run(const Message& message, const Selection& topics, long count, bool through) {
  Node node({.domain = "hot-path", .interface = "lo"});
  long events = 0;
  Producer<> producer(node, {.name = "p", .drain = Duration::zero()});
  std::optional<Consumer<Handler>> consumer(std::in_place, node, Handler{&events},
                                            ConsumerOptions{.subscriptions = {{"p", topics}}, .identity = "c"});
  if (!producer.wait_for_subscribers(1, std::chrono::minutes(1))) return false;
  if (!through) consumer.reset();
  ingest_all(producer, message, count);
  if (!through) return producer.stats().outstanding == static_cast<std::uint64_t>(count);
  return producer.drain(std::chrono::minutes(1)) && events == count;
}

bool run(std::string_view what, long count, bool through) {
  if (what == "64") return run<Count>(std::string(64, 'x'), {}, count, through);
  if (what == "64-topic") return run<Count>(std::string(64, 'x'), {"sensor/0001"}, count, through);
  if (what == "1024") return run<Count>(std::string(1024, 'x'), {}, count, through);
  if (what == "typed") return run<CountReadings>(Reading(), {}, count, through);
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 4 && run(argv[1], std::atol(argv[2]), std::string_view(argv[3]) == "through")) return 0;
  std::fputs("hot_path: not everything arrived; usage: hot_path 64|64-topic|1024|typed COUNT through|produce\n",
             stderr);
  return 1;
}
