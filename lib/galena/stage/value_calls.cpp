// SPDX-License-Identifier: Apache-2.0
#include "galena/stage/value_calls.hpp"

#include <exception>
#include <utility>

#include "galena/base/assert.hpp"

namespace galena::detail {

ValueCalls::ValueCalls(OutletDriver& outlet, const ValueHandler& handler, Loop& handlers, Loop& stage,
                       std::function<void()> answered)
    : handler_(handler), handlers_(handlers), stage_(stage), answered_(std::move(answered)), made_(outlet) {}

void ValueCalls::start(const std::vector<EventView>& run, std::shared_ptr<net::Frame> frame) {
  GALENA_ASSERT(is_idle() && !run.empty() && run.size() <= max_run, "a run of calls follows another one");
  run_.assign(run.begin(), run.end());
  frame_ = std::move(frame);
  next_ = 0;
  {
    const std::lock_guard lock(mutex_);
    phase_ = Phase::running;
    told_ = false;
  }
  post_run();
}

ValueCalls::Answers ValueCalls::poll() {
  std::unique_lock lock(mutex_);
  Answers answers = std::exchange(answers_, {});
  if (phase_ == Phase::running) told_ = answers.count > 0;
  if (phase_ == Phase::no_room && made_.retry()) {
    ++answers.count;
    phase_ = next_ < run_.size() ? Phase::running : Phase::idle;
    told_ = false;
    if (phase_ == Phase::running) post_run();
  }
  if (phase_ == Phase::idle) {
    run_.clear();
    frame_.reset();
  }
  return answers;
}

void ValueCalls::post_run() {
  handlers_.post([self = shared_from_this()] { self->run(); });
}

/// Makes calls until it is the turn of other feeds.
void ValueCalls::run() {
  do {
    if (abandoned_) return;
    if (!call(run_[next_++])) return;
  } while (!turn_.is_over());
  post_run();
}

/// False if no other call is to be made for now.
bool ValueCalls::call(const EventView& value) {
  auto refusal = refusal_of(value);
  const bool no_room = made_.waits();
  const bool more = !no_room && next_ < run_.size();
  {
    const std::lock_guard lock(mutex_);
    if (refusal) answers_.refusals.push_back({answers_.count + 1, std::move(*refusal)});
    if (!no_room) ++answers_.count;
    if (!more) phase_ = no_room ? Phase::no_room : Phase::idle;
    if (std::exchange(told_, true) && more) return true;
  }
  tell();
  return more;
}

/// Calls the handler. Empty if it took the value; else why not.
std::optional<std::string> ValueCalls::refusal_of(const EventView& value) {
  try {
    const std::lock_guard guard(*handler_.lock);
    switch (handler_.on_value(handler_.handler, value, made_)) {
      case Taken::yes:
        break;
      case Taken::mismatch:
        return "the value is not of the type that this producer's handle_produce takes";
      case Taken::no_type:
        return "this producer's handle_produce takes no value that its program can unpack (see galena/codec.hpp)";
    }
    return std::nullopt;
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "its handler failed";
  }
}

void ValueCalls::tell() {
  stage_.post([self = weak_from_this()] {
    const auto calls = self.lock();
    if (calls && !calls->abandoned_) calls->answered_();
  });
}

}  // namespace galena::detail
