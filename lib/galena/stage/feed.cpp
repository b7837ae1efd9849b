// SPDX-License-Identifier: Apache-2.0
#include "galena/stage/feed.hpp"

#include <exception>
#include <utility>

namespace galena::detail {
namespace {

/// How long an answer may wait for others, while the handler is called for the values behind.
constexpr Duration answer_after = std::chrono::milliseconds(1);

}  // namespace

Feed::Feed(net::Reactor& reactor, OutletDriver& outlet, FeedCounts& counts, Options options, Time now)
    : outlet_(outlet),
      counts_(counts),
      options_(std::move(options)),
      waiting_(outlet),
      look_(reactor, options_.work_again),
      driver_(*this, options_.inlet, now) {
  options_.say(driver_.inlet().hello());
}

Feed::~Feed() {
  if (options_.calls) options_.calls->abandon();
}

bool Feed::receive(net::Frame frame, Time now) { return driver_.add(std::move(frame)) && work(now); }

bool Feed::work(Time now) {
  using Work = InletDriver::Work;
  if (waiting_.waits() && !waiting_.retry()) return true;
  driver_.resume(now);
  Work work = Work::later;
  while (work == Work::later) work = driver_.work(now);
  if (work == Work::idle) driver_.handle_idle(now);
  if (work == Work::waits) driver_.grant(true, now);  // for how long nobody knows
  return work != Work::over;
}

Progress Feed::take_events(core::Inlet& inlet) {
  for (EventView event; inlet.next(event);) {
    try {
      waiting_.put(event);
    } catch (const std::exception& error) {
      refuse(inlet.handled_events() + 1, error.what());
    }
    if (waiting_.waits()) return Progress::blocked;
    inlet.handled();
    if (inlet.attention()) return Progress::handled;
  }
  return Progress::read;
}

Progress Feed::take_values(core::Inlet& inlet, const std::shared_ptr<net::Frame>& frame) {
  ValueCalls& calls = *options_.calls;
  const ValueCalls::Answers answers = calls.poll();
  for (const auto& refusal : answers.refusals) refuse(inlet.handled_events() + refusal.number, refusal.why);
  for (std::uint64_t i = 0; i < answers.count; ++i) inlet.handled();
  if (!calls.is_idle()) {
    if (answers.count == 0) return Progress::waits;
    look_.set(Clock::now() + answer_after);
    return Progress::handled;
  }
  run_.clear();
  for (EventView value; run_.size() < ValueCalls::max_run && inlet.next(value);) run_.push_back(value);
  if (!run_.empty()) calls.start(run_, frame);
  if (answers.count > 0) return Progress::handled;
  return run_.empty() ? Progress::read : Progress::waits;
}

void Feed::refuse(std::uint64_t delivery, const std::string& why) {
  ++counts_.refused;
  options_.say(core::encode(core::Refuse{delivery, why}));
}

}  // namespace galena::detail
