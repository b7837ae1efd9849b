// SPDX-License-Identifier: Apache-2.0
// One producer and one consumer, whose instructions instructions_test.py counts. Arguments: what is sent, and how many.
#include <galena/galena.hpp>

#include <cstdio>
#include <cstdlib>
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
bool run(const Message& message, const Topics& topics, long count) {
  Node node({.domain = "hot-path", .interface = "lo"});
  long events = 0;
  Producer<> producer(node, {.name = "p"});
  const Consumer<Handler> consumer(node, {&events}, {.subscriptions = {{"p", topics}}});
  ingest_all(producer, message, count);
  return producer.drain(std::chrono::minutes(1)) && events == count;
}

bool run(std::string_view what, long count) {
  if (what == "64") return run<Count>(std::string(64, 'x'), {}, count);
  if (what == "64-topic") return run<Count>(std::string(64, 'x'), {"sensor/0001"}, count);
  if (what == "1024") return run<Count>(std::string(1024, 'x'), {}, count);
  if (what == "typed") return run<CountReadings>(Reading(), {}, count);
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && run(argv[1], std::atol(argv[2]))) return 0;
  std::fputs("hot_path: not everything arrived; usage: hot_path 64|64-topic|1024|typed COUNT\n", stderr);
  return 1;
}
