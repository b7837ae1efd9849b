// SPDX-License-Identifier: Apache-2.0
#include "galena/stage/position_keeper.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "galena/base/assert.hpp"
#include "galena/error.hpp"
#include "galena/stage/position_text.hpp"

namespace galena::detail {
namespace {

/// Attempts to subscribe are counted from the time, so that those of a consumer that starts later have higher numbers.
std::uint64_t now_us() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

}  // namespace

PositionKeeper::PositionKeeper(const Logger& logger, Options options)
    : logger_(logger),
      options_(std::move(options)),
      state_(options_.store ? State::saving : State::off),
      epoch_(now_us()),
      exact_(options_.identity.empty()) {
  if (options_.store) load();
}

/// Its predecessor may have handled more than it could save: so the place is not exact.
void PositionKeeper::load() {
  const auto text = options_.store->load(options_.key);
  if (!text) return;
  const auto saved = parse_position(*text);
  if (!saved) {
    throw Error(
        ErrorCode::invalid,
        fmt::format("the position store has '{}' as the position of '{}' in {}, which is not a position of this "
                    "version; remove it, and the consumer starts anew",
                    *text, options_.identity, options_.source));
  }
  standing_ = saved->standing;
  // A place counts selected events: in another selection it says only where the batch began.
  if (saved->selection != fingerprint(options_.selection)) standing_->place.events = 0;
  epoch_ = std::max(epoch_, saved->epoch + 1);
}

void PositionKeeper::describe(core::Inlet::Options& options) {
  options.acknowledge_later = options_.acknowledge_downstream;
  options.previous = options_.acknowledge_downstream ? acknowledged_ : standing_;
  options.exact = exact_;
  options.seen = &seen_;
}

void PositionKeeper::begin_link(const core::Inlet& inlet) {
  was_accepted_ = true;
  if (!acknowledged_ || acknowledged_->place.stream != inlet.place().stream) acknowledged_ = inlet.standing();
}

bool PositionKeeper::outbid(std::uint64_t other) {
  if (was_accepted_ || other <= now_us() || other == std::numeric_limits<std::uint64_t>::max()) return false;
  epoch_ = std::max(epoch_, other);
  return true;
}

bool PositionKeeper::save(const core::Inlet& inlet) {
  if (state_ == State::discarded) return false;
  if (state_ == State::off || !inlet.accepted()) return true;
  std::string why;
  try {
    options_.store->save(options_.key, to_text({inlet.standing(), fingerprint(options_.selection), epoch_}));
  } catch (const std::exception& error) {
    why = error.what();
  } catch (...) {
    why = "the position store threw something that is not a std::exception";
  }
  const State before = state_;
  enter(why.empty() ? State::saving : State::failing);
  if (state_ == State::failing && before != State::failing) {
    logger_.error(
        fmt::format("{}: its position in {} could not be saved: {}. Events wait at the producer, unacknowledged, and "
                    "saving is tried again",
                    options_.consumer, options_.source, why));
  } else if (state_ == State::saving && before == State::failing) {
    logger_.warning(fmt::format("{}: its position in {} is saved again", options_.consumer, options_.source));
  }
  return state_ == State::saving;
}

void PositionKeeper::discard() {
  if (state_ != State::off) enter(State::discarded);
}

void PositionKeeper::enter(State state) {
  GALENA_ASSERT(options_.store && state != State::off, "a position is saved without a store");
  GALENA_ASSERT(state_ != State::discarded || state == State::discarded, "a position is saved without its effects");
  state_ = state;
}

void PositionKeeper::record_made(std::uint64_t output, const core::Inlet& inlet) {
  if (!options_.acknowledge_downstream || inlet.handled_events() == 0) return;
  ledger_.record(output, inlet.handled_events(), inlet.standing());
}

std::optional<std::uint64_t> PositionKeeper::acknowledge(std::uint64_t output) {
  if (!options_.acknowledge_downstream) return std::nullopt;
  const auto entry = ledger_.acknowledge(output);
  if (!entry) return std::nullopt;
  acknowledged_ = entry->standing;
  return entry->handled;
}

void PositionKeeper::end_link(core::Inlet& inlet) {
  ledger_.clear();  // what is not acknowledged comes again, and is recorded again
  if (!inlet.accepted()) return;
  standing_ = inlet.standing();
  exact_ = true;
  if (acknowledged_ && acknowledged_->place.stream == standing_->place.stream) {
    acknowledged_->ended = standing_->ended;
    acknowledged_->told.upto = standing_->told.upto;
  }
  if (options_.acknowledge_downstream) inlet.record_seen();
  static_cast<void>(save(inlet));  // if it fails, the next link saves again before it acknowledges
}

}  // namespace galena::detail
