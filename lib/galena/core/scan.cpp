// SPDX-License-Identifier: Apache-2.0
#include "galena/core/scan.hpp"

#include <algorithm>

#include "galena/base/assert.hpp"
#include "galena/core/batch_builder.hpp"
#include "galena/core/message.hpp"

namespace galena::core {

Scan::Scan(View& base, const Selection& selection, std::uint64_t from, std::uint64_t skip, std::uint64_t upto)
    : base_(base), position_(from), told_(from), told_skip_(skip), skip_(skip), upto_(upto) {
  GALENA_ASSERT(!base.log.has_open(), "a scan reads sealed batches");
  if (!selection.everything()) matcher_.add(selection, this);
  at_.view = &base;
  const Log& log = base.log;
  std::uint64_t low = log.first();
  for (std::uint64_t high = log.end(); low < high;) {  // the first item that speaks of something beyond `from`
    const std::uint64_t middle = low + (high - low) / 2;
    if (log.at(middle).upto > from) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  const std::uint64_t begin = low < log.end() ? log.at(low).from : from;
  place_at(low, from > begin ? from - begin : 0);
  told_spot_ = at_.spot();
}

Scan::~Scan() { std::erase(base_.cursors, &at_); }

void Scan::hold() {
  GALENA_ASSERT(!holding_, "a scan holds once");
  at_.held = std::max(at_.item, base_.log.floor());
  base_.cursors.push_back(&at_);
  holding_ = true;
}

void Scan::release_before(std::uint64_t item) {
  if (holding_) at_.held = std::max(at_.held, item);
}

void Scan::place_at(std::uint64_t item, std::uint64_t events) {
  const Log& log = base_.log;
  at_.item = item;
  at_.events = at_.offset = 0;
  if (events == 0 || item < log.first() || item >= log.end()) return;
  if (log.at(item).is_gap()) {
    at_.events = static_cast<std::uint32_t>(events);
  } else {
    at_.go_back(item, events);
  }
}

void Scan::go_back(const Stretch& stretch, std::uint64_t acknowledged) {
  place_at(stretch.begin.item, stretch.begin.events);
  told_spot_ = stretch.begin;
  told_skip_ = skip_ = stretch.passed + acknowledged;
  position_ = told_ = stretch.from;  // what is forgotten by now is found to be missing
}

bool Scan::selects(std::string_view topic) { return matcher_.empty() || !matcher_.find(topic).empty(); }

/// Makes a gap, or a mark, for the positions before the next readable event that were evicted or never stored. False if
/// there are none.
bool Scan::missing(Piece& piece) {
  const Log& log = base_.log;
  if (at_.item < log.first()) place_at(log.first(), 0);
  std::uint64_t upto = upto_;
  std::string_view why = reason::evicted;
  bool is_gap = false;
  bool of_input = false;  // it stands for no selected event
  if (at_.item < log.end()) {
    const Item& item = log.at(at_.item);
    of_input = item.of_input && item.from <= position_;
    is_gap = item.is_gap() && of_input == item.of_input;  // what is missing in front of a gap of the input comes first
    upto = is_gap ? item.upto : item.from + at_.events;
    if (is_gap) why = of_input ? reason::upstream : reason::full;
  }
  at_.gap.reset();  // what made room meanwhile is missing here, too
  const bool was_acknowledged = position_ < std::min(no_gap_below_, upto);
  if (was_acknowledged && no_gap_below_ < upto) {
    upto = no_gap_below_;
  } else if (is_gap) {
    at_.step();
  }
  upto = std::min(upto, upto_);
  if (upto <= position_) return false;
  std::optional<std::uint64_t> count;
  const bool counts = matcher_.empty() && !of_input;
  if (counts) count = upto - position_ - std::min(skip_, upto - position_);
  if (was_acknowledged) {
    piece.mark = upto;
  } else if (count != 0U) {
    piece.gap = Gap{position_, upto, count, std::string(why)};
  }
  if (counts) {
    skip_ -= std::min(skip_, upto - position_);
  } else if (!of_input && skip_ > 0) {  // how many of those that were missing were to be passed over, nobody knows
    skip_ = 0;
    doubtful_ = true;
  }
  position_ = upto;
  tell();
  return true;
}

/// What has been looked at is done with.
void Scan::tell() {
  told_ = position_;
  told_spot_ = at_.spot();
  told_skip_ = skip_;
}

Scan::Piece Scan::read(std::uint64_t max_events, std::uint64_t max_bytes, std::uint64_t marked_below) {
  Piece piece;
  const Log& log = base_.log;
  const bool marked = told_ < marked_below;
  const std::uint64_t upto = marked ? std::min(marked_below, upto_) : upto_;
  std::optional<BatchBuilder> copy;
  std::size_t looked_at = 0;
  for (bool more = true; more && position_ < upto;) {
    const bool there = at_.item >= log.first() && at_.item < log.end() && !log.at(at_.item).is_gap();
    if (!there || log.at(at_.item).from + at_.events > position_) {
      if (copy) break;  // it goes first
      if (missing(piece) && (piece.gap || piece.mark)) return piece;
      continue;
    }
    if (!copy) copy.emplace(told_skip_);
    more = look_at(log.at(at_.item), *copy, upto, max_events, max_bytes, looked_at);
  }
  if (copy && copy->count() > 0) {
    piece.events = copy->count();
    piece.bytes = copy->bytes();
    piece.stretch = {told_spot_, told_, told_skip_, position_};
    const bool repeated = doubtful_ || marked;
    piece.batch = copy->finish(told_, position_, repeated ? flag_recut | flag_repeated : flag_recut);
    tell();
  } else if (position_ >= upto) {
    tell();
  }
  return piece;
}

/// Takes what is selected of the rest of the item. False if there is no room for more.
bool Scan::look_at(const Item& item, BatchBuilder& copy, std::uint64_t upto, std::uint64_t max_events,
                   std::uint64_t max_bytes, std::size_t& looked_at) {
  ItemReader reader(item, at_.events, at_.offset);
  for (EventView event; at_.events < item.count && position_ < upto;) {
    if (copy.count() >= max_events || (copy.count() > 0 && copy.bytes() >= max_bytes) || looked_at >= max_looked_at) {
      return false;
    }
    const bool read = reader.next(event);
    GALENA_ASSERT(read, "our own batch must be readable");
    if (selects(event.topic)) {
      if (skip_ > 0) {
        --skip_;
      } else if (copy.admits(reader.from())) {
        copy.add(event, reader.from());
      } else {
        return false;
      }
    }
    ++at_.events;
    at_.offset = static_cast<std::uint32_t>(item.events().size() - reader.rest().size());
    looked_at += event_bytes(event);
    ++position_;
  }
  if (at_.events == item.count) at_.step();
  return true;
}

}  // namespace galena::core
