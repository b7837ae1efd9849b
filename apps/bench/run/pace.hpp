// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/prctl.h>

#include <algorithm>
#include <string>
#include <thread>

#include "run/meter.hpp"

namespace galena::bench {

/// One event to be sent: the word and the time that its message begins with, and which topic it is of.
struct Ticket {
  std::uint64_t word;
  std::uint64_t time;  ///< zero unless latency is measured
  std::uint64_t topic;

  Ticket(std::uint64_t its_word, std::uint64_t its_time, std::uint64_t its_topic)
      : word(its_word), time(its_time), topic(its_topic) {}
};

/// "bench/0001": 10 bytes each, for up to 10,000.
std::string topic_name(std::uint64_t topic);
std::vector<std::string> topic_names(const Shape& shape);
/// The topic that the slow consumer selects. Its index is one above those of all other topics.
inline constexpr const char* slow_topic = "slow/00000";

/// Numbers the events of one sender and calls `emit` for each at the rate of the shape.
template <class Emit>
class Pace {
 public:
  Pace(const Task& task, Emit emit) : shape_(task.shape), source_(task.index << source_shift), emit_(std::move(emit)) {}

  /// As fast as emit(Ticket) returns, or at the shape's rate, for as long as it says. Calls between(now) now and then.
  /// Returns how many it sent.
  template <class Between>
  std::uint64_t run(Between&& between) {
    const Time start = Clock::now();
    const Time end = start + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(shape_.seconds));
    if (shape_.rate > 0) {
      run_paced(start, end);
    } else {
      // The clock is asked once for about 64 KiB of messages.
      const std::uint64_t batch = shape_.bytes >= 65536 ? 1 : 65536 / shape_.bytes;
      for (Time now = start; now < end; now = Clock::now()) {
        between(now);
        for (std::uint64_t i = 0; i < batch; ++i) send(0, 0);
      }
    }
    while (number_ % shape_.stride() != 0) send(0, time_now());
    for (std::uint64_t i = 0; i < shape_.stride(); ++i) send(last_event, time_now());
    return number_;
  }

 private:
  /// Lone events bear the time they are made, for how late this thread is woken is not what is measured. Of a stream
  /// so many are due together every 50 us, and bear the time they were due: that the sender is held up counts.
  void run_paced(Time start, Time end) {
    prctl(PR_SET_TIMERSLACK, 1);
    constexpr Duration burst = std::chrono::microseconds(50);
    const Duration step = std::chrono::nanoseconds(1'000'000'000 / shape_.rate);
    const Duration interval = std::max(step, burst);
    for (Time due = start; due < end; due += interval) {
      std::this_thread::sleep_until(due);
      const auto wanted =
          static_cast<std::uint64_t>(in_seconds(due - start + interval) * static_cast<double>(shape_.rate) + 0.5);
      while (number_ < wanted) send(0, step > burst ? time_now() : nanoseconds_of(due));
    }
  }

  std::uint64_t time_now() const { return shape_.rate > 0 ? nanoseconds_now() : 0; }

  void send(std::uint64_t flags, std::uint64_t time) {
    emit_(Ticket(number_++ | source_ | flags, time, topic_));
    if (++topic_ == shape_.topics) topic_ = 0;
  }

  const Shape shape_;
  const std::uint64_t source_;
  Emit emit_;
  std::uint64_t number_ = 0;
  std::uint64_t topic_ = 0;
};

template <class Emit>
std::uint64_t send_events(const Task& task, Emit&& emit) {
  return Pace<Emit>(task, std::forward<Emit>(emit)).run([](Time) {});
}

}  // namespace galena::bench
