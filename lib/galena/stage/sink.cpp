// SPDX-License-Identifier: Apache-2.0
#include "galena/stage/sink.hpp"

#include "galena/stage/publisher.hpp"
#include "galena/stage/spin_lock.hpp"

namespace galena {

using Answer = core::Outlet::Answer;

Sink::Sink(detail::Publisher& publisher, core::Provenance* from)
    : publisher_(publisher), from_(from), lock_(detail::lock_soon(publisher.mutex())) {}

Sink::~Sink() {
  if (!lock_.owns_lock()) return;
  // The handler threw. What it emitted before stands, as far as it fitted.
  for (const Event& event : overflow_) publisher_.count_abandoned(event.view());
  publisher_.unlock_and_wake(lock_);
}

std::string& Sink::scratch() { return publisher_.scratch(); }

bool Sink::append(const EventView& event) {
  if (publisher_.append(event, from_) != Answer::accepted) return false;
  if (from_ != nullptr) ++from_->origin.part;
  return true;
}

void Sink::emit(const EventView& event) {
  // Once one had to wait, those after it do too: order.
  if (overflow_.empty() && append(event)) [[likely]] {
    ++taken_;
  } else {
    overflow_.emplace_back(event);
  }
}

bool Sink::finish(std::optional<Time> deadline) {
  bool in_time = true;
  for (auto event = overflow_.begin(); event != overflow_.end() && in_time;) {
    if (append(event->view())) {
      ++event;
    } else {
      in_time = publisher_.wait_for_room(lock_, deadline);
    }
  }
  overflow_.clear();
  publisher_.unlock_and_wake(lock_);
  return in_time;
}

bool Sink::try_finish() {
  if (!overflow_.empty() && taken_ == 0) {
    overflow_.clear();
    publisher_.unlock_and_wake(lock_);
    return false;
  }
  return finish(std::nullopt);
}

void Sink::finish_into(std::vector<Event>& rest) {
  for (Event& event : overflow_) rest.push_back(std::move(event));
  overflow_.clear();
  publisher_.unlock_and_wake(lock_);
}

}  // namespace galena
