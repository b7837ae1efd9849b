// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "galena/base/time.hpp"
#include "galena/stage/message.hpp"

namespace galena {

namespace core {
struct Provenance;
}
namespace detail {
class Publisher;
class SinkUser;
}  // namespace detail

/// Where a handler puts events that it does not return: `handle_produce(input, Sink& out)` emits none, one or many,
/// without building strings on the way. It belongs to one call of the handler, on that call's thread.
class Sink {
 public:
  /// Adds an event. Its bytes are copied (or packed) before this returns. Throws Error (invalid) if it is too large.
  template <class M>
  void emit(std::string_view topic, const M& message) {
    emit(detail::encode_message(topic, message, scratch()));
  }
  void emit(const EventView& event);

  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

 private:
  friend class detail::Publisher;
  friend class detail::SinkUser;

  /// Holds the publisher's mutex from here to finish(), except while it waits. `from` says what everything that is
  /// emitted was made of, if it was, and counts it.
  Sink(detail::Publisher& publisher, core::Provenance* from);
  ~Sink();

  std::string& scratch();
  /// The handler has returned. What did not fit waits for room until `deadline`; without a deadline, for ever. False if
  /// it passed: then what still did not fit was not taken.
  bool finish(std::optional<Time> deadline);
  /// The same without waiting: if nothing fitted, nothing was taken, and the answer is false.
  bool try_finish();
  /// For a stage's own thread, which must not wait: what did not fit is appended to `rest`.
  void finish_into(std::vector<Event>& rest);

  /// False if it has no room.
  bool append(const EventView& event);

  detail::Publisher& publisher_;
  core::Provenance* from_;
  std::unique_lock<std::mutex> lock_;
  std::vector<Event> overflow_;  // emitted and not taken yet, in order
  std::size_t taken_ = 0;
};

namespace detail {

/// Makes a Sink, for one call of a handler, and ends it: for those who run handlers.
class SinkUser {
 public:
  explicit SinkUser(Publisher& publisher, core::Provenance* from = nullptr) : sink_(publisher, from) {}
  Sink& sink() { return sink_; }
  void finish() { sink_.finish(std::nullopt); }
  bool finish(Time deadline) { return sink_.finish(deadline); }
  bool try_finish() { return sink_.try_finish(); }
  void finish_into(std::vector<Event>& rest) { sink_.finish_into(rest); }

 private:
  Sink sink_;
};

}  // namespace detail
}  // namespace galena
