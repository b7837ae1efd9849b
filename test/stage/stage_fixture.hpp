// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "galena/galena.hpp"
#include "galena/msgpack.hpp"

/// What the tests of the stage layer share. What is waited for ends the waiting; the deadline is for what never comes.
namespace galena::test {

inline constexpr Duration patience = std::chrono::seconds(30);

/// Looks again and again until `done` or the deadline; answers done().
inline bool eventually(const std::function<bool()>& done, Duration limit = patience) {
  const Time end = Clock::now() + limit;
  while (!done()) {
    if (Clock::now() >= end) return false;
    std::this_thread::sleep_for(std::chrono::microseconds(500));
  }
  return true;
}

/// A list that one thread fills and another waits for.
template <class T>
class Record {
 public:
  void add(T item) {
    {
      const std::lock_guard lock(mutex_);
      items_.push_back(std::move(item));
    }
    changed_.notify_all();
  }
  std::vector<T> all() const {
    const std::lock_guard lock(mutex_);
    return items_;
  }
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return items_.size();
  }
  bool wait(const std::function<bool(const std::vector<T>&)>& done, Duration limit = patience) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, limit, [&] { return done(items_); });
  }
  bool wait_for(std::size_t count, Duration limit = patience) const {
    return wait([count](const std::vector<T>& items) { return items.size() >= count; }, limit);
  }
  bool wait_for_item(const T& item, Duration limit = patience) const {
    return wait([&](const std::vector<T>& items) { return std::find(items.begin(), items.end(), item) != items.end(); },
                limit);
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<T> items_;
};

struct Received {
  std::string topic;
  std::string message;
  friend bool operator==(const Received&, const Received&) = default;
  friend auto operator<=>(const Received&, const Received&) = default;
};
using Events = Record<Received>;

/// A consumer's handler that keeps what it is given.
struct Keep {
  std::shared_ptr<Events> events = std::make_shared<Events>();
  void handle_consume(std::string_view topic, std::string_view message) {
    events->add({std::string(topic), std::string(message)});
  }
};

/// Something that handlers wait at until the test opens it.
class Gate {
 public:
  void open() {
    {
      const std::lock_guard lock(mutex_);
      open_ = true;
    }
    changed_.notify_all();
  }
  /// Blocks while it is shut, for no longer than patience: a test that fails must not hang.
  void pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait_for(lock, 2 * patience, [this] { return open_; });
    --waiting_;
  }
  /// True once somebody stands at it.
  bool wait_until_reached() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [this] { return waiting_ > 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int waiting_ = 0;
};

/// Keeps what it is given, and stands still at its first event until the gate opens.
struct KeepBehindGate {
  std::shared_ptr<Gate> gate = std::make_shared<Gate>();
  std::shared_ptr<Events> events = std::make_shared<Events>();
  void handle_consume(std::string_view topic, std::string_view message) {
    gate->pass();
    events->add({std::string(topic), std::string(message)});
  }
};

/// Makes an event of each number, and stands at the gate before the one that is 1.
struct GatedMaker {
  std::shared_ptr<Gate> gate = std::make_shared<Gate>();
  Event handle_produce(int n) {
    if (n == 1) gate->pass();
    return {"t", std::to_string(n)};
  }
};

/// A domain nobody else is in, and the lines that its nodes log (at `level` and above).
struct Realm {
  std::string domain = "test-" + Id::random().hex();
  std::shared_ptr<Record<std::string>> lines = std::make_shared<Record<std::string>>();
  LogLevel level = LogLevel::warning;

  NodeOptions options(Duration liveness = std::chrono::seconds(30)) const {
    NodeOptions options;
    options.domain = domain;
    options.liveness = liveness;
    options.logger = {level, [lines = lines](LogLevel, std::string_view line) { lines->add(std::string(line)); }};
    return options;
  }
  bool logged(const std::string& part) const {
    const auto all = lines->all();
    return std::any_of(all.begin(), all.end(), [&](const std::string& line) { return line.find(part) != line.npos; });
  }
  bool wait_for_line(const std::string& part) const {
    return lines->wait([&](const std::vector<std::string>& all) {
      return std::any_of(all.begin(), all.end(), [&](const std::string& line) { return line.find(part) != line.npos; });
    });
  }
};

/// Two nodes of one domain.
struct Two {
  Realm realm;
  Node here{realm.options()};
  Node there{realm.options()};
};

/// A consumer's options for one subscription.
inline ConsumerOptions of(const Source& producer, Selection topics = {}, std::uint64_t max_demand = 0) {
  return {.subscriptions = {{producer, std::move(topics), max_demand}}};
}

inline std::vector<std::string> messages_of(const Events& events, std::string_view topic) {
  std::vector<std::string> messages;
  for (const Received& each : events.all()) {
    if (each.topic == topic) messages.push_back(each.message);
  }
  return messages;
}

/// "0", "1", ... up to, not including, `count`.
inline std::vector<std::string> numbers(int count, int from = 0) {
  std::vector<std::string> texts;
  for (int i = from; i < count; ++i) texts.push_back(std::to_string(i));
  return texts;
}

}  // namespace galena::test
