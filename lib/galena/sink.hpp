// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "galena/detail/intake.hpp"
#include "galena/detail/message.hpp"
#include "galena/time.hpp"

namespace galena {

namespace detail {
class SinkUser;
}  // namespace detail

/// Where a handler puts events that it does not return: `handle_produce(input, Sink& out)` emits none, one or many,
/// without building strings on the way. It belongs to one call of the handler, on that call's thread.
class Sink {
 public:
  /// Adds an event. Its bytes are copied (or packed) before this returns. Throws Error (invalid) if it is too large.
  template <class M>
  void emit(std::string_view topic, const M& message) {
    emit(detail::encode_message(topic, message, intake_.scratch()));
  }
  void emit(const EventView& event) {
    // Once one had to wait, those after it do too: order.
    if (overflow_.empty() && intake_.append(event, from_)) [[likely]] {
      ++taken_;
    } else {
      overflow_.emplace_back(event);
    }
  }

  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

 private:
  friend class detail::SinkUser;

  /// Holds the intake's lock from here to finish(), except while it waits. `from` says what everything that is emitted
  /// was made of, if it was; the intake counts the parts there.
  Sink(detail::Intake& intake, core::Provenance* from) : intake_(intake), from_(from) { intake_.lock().lock(); }
  ~Sink() {
    if (holds_) [[unlikely]] {
      abandon();
    }
  }

  /// The handler has returned. What did not fit waits for room until `deadline`; without a deadline, for ever. False if
  /// it passed: then what still did not fit was not taken.
  bool finish(std::optional<Time> deadline) {
    if (!overflow_.empty()) [[unlikely]] {
      return finish_later(deadline);
    }
    let_go();
    return true;
  }
  /// The same without waiting: if nothing fitted, nothing was taken, and the answer is false.
  bool try_finish();
  /// For a stage's own thread, which must not wait: what did not fit is appended to `rest`.
  void finish_into(std::vector<Event>& rest) {
    if (!overflow_.empty()) [[unlikely]] {
      for (Event& event : overflow_) rest.push_back(std::move(event));
      overflow_.clear();
    }
    let_go();
  }

  void let_go() {
    holds_ = false;
    intake_.unlock();
  }
  bool finish_later(std::optional<Time> deadline);
  void abandon();

  detail::Intake& intake_;
  core::Provenance* from_;
  bool holds_ = true;
  std::size_t taken_ = 0;
  std::vector<Event> overflow_;  // emitted and not taken yet, in order
};

namespace detail {

/// Makes a Sink, for one call of a handler, and ends it: for those who run handlers.
class SinkUser {
 public:
  explicit SinkUser(Intake& intake, core::Provenance* from = nullptr) : sink_(intake, from) {}
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
