// SPDX-License-Identifier: Apache-2.0
#include "galena/stage/report_queue.hpp"

#include <doctest/doctest.h>

namespace galena::detail {
namespace {

using namespace std::chrono_literals;

using Peers = std::vector<std::string>;
constexpr Time asked_at = Time{} + 1h;

TEST_CASE("whoever asks is answered at once, or with all others 5 ms after the last report") {
  ReportQueue queue;
  CHECK(queue.poll_timeout() == never);
  queue.add("a");
  CHECK(queue.poll(asked_at) == Peers{"a"});
  CHECK(queue.poll_timeout() == never);
  queue.add("b");
  queue.add("c");
  CHECK(queue.poll(asked_at + 1ms).empty());
  CHECK(queue.poll_timeout() == asked_at + 5ms);
  CHECK(queue.poll(asked_at + 5ms) == Peers{"b", "c"});
  queue.add("a");
  CHECK(queue.poll(asked_at + 20ms) == Peers{"a"});
}

TEST_CASE("a peer that asks without end is answered once in 5 ms, and keeps nobody from an answer") {
  ReportQueue queue;
  std::size_t answers = 0;
  std::size_t others = 0;
  for (int ms = 0; ms < 1000; ++ms) {
    for (int i = 0; i < 10; ++i) queue.add("greedy");
    if (ms % 100 == 99) queue.add("other");
    for (const std::string& peer : queue.poll(asked_at + std::chrono::milliseconds(ms))) {
      ++(peer == "other" ? others : answers);
    }
  }
  CHECK(answers == 200);
  CHECK(others == 9);
  CHECK(queue.poll(asked_at + 2s) == Peers{"greedy", "other"});
}

}  // namespace
}  // namespace galena::detail
