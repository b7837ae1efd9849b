// SPDX-License-Identifier: Apache-2.0
#include "galena/core/scan.hpp"

#include <algorithm>

#include "galena/base/assert.hpp"
#include "galena/core/message.hpp"

namespace galena::core {

/// The batch that a scan puts together.
class Scan::Copy {
 public:
  /// `passed` events were selected before.
  Copy(const BatchHeader& like, std::uint64_t passed) : header_(like) {
    header_.first = static_cast<std::uint32_t>(std::min<std::uint64_t>(passed, 0xffffffff));
    events_.assign(header_bytes(header_), '\0');
  }

  void add(const EventView& event, const Origin& origin) {
    const std::size_t size = events_.size();
    const std::size_t bytes = event_bytes(event);
    events_.resize(size + bytes + max_step_bytes);
    char* end = write_event(events_.data() + size, event);
    if (header_.origin) {
      if (count_ == 0) header_.origin = origin;
      end = write_step(end, count_ == 0 ? 0 : static_cast<std::uint32_t>(origin.place.events - last_.place.events));
      last_ = origin;
    }
    events_.resize(static_cast<std::size_t>(end - events_.data()));
    ++count_;
  }
  /// add() can say where this one comes from.
  bool takes(const Origin& origin) const {
    if (!header_.origin || count_ == 0) return true;
    Origin follows = last_;
    follows.advance(origin.place.events - last_.place.events);
    return follows == origin;
  }
  std::uint32_t count() const { return count_; }
  std::size_t bytes() const { return events_.size() - header_bytes(header_); }

  std::string finish(std::uint64_t from, std::uint64_t upto, bool repeated) {
    header_.bytes = static_cast<std::uint32_t>(bytes());
    header_.count = count_;
    header_.from = from;
    header_.upto = upto;
    header_.flags =
        static_cast<std::uint16_t>((header_.flags & ~flag_more) | flag_recut | (repeated ? flag_repeated : 0));
    write_batch_header(events_.data(), header_);
    return std::move(events_);
  }

 private:
  BatchHeader header_;
  std::string events_;
  std::uint32_t count_ = 0;
  Origin last_;
};

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
  GALENA_ASSERT(!holding_ && at_.item >= base_.log.floor(), "what a scan is to hold must be held already");
  at_.held = at_.item;
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

/// What is not there any more, or never was, in front of the next event: told first. False if nothing is missing.
bool Scan::missing(Piece& piece) {
  const Log& log = base_.log;
  if (at_.item < log.first()) place_at(log.first(), 0);
  std::uint64_t upto = upto_;
  std::string_view why = reason::evicted;
  if (at_.item < log.end()) {
    const Item& item = log.at(at_.item);
    upto = item.is_gap() ? item.upto : item.from + at_.events;
    if (item.is_gap()) {
      why = reason::full;
      at_.step();
    }
  }
  at_.gap.reset();  // what made room meanwhile is missing here, too
  upto = std::min(upto, upto_);
  if (upto <= position_) return false;
  std::optional<std::uint64_t> count;
  if (matcher_.empty()) count = upto - position_ - std::min(skip_, upto - position_);
  if (count != 0U) piece.gap = Gap{position_, upto, count, std::string(why)};
  if (matcher_.empty()) {
    skip_ -= std::min(skip_, upto - position_);
  } else if (skip_ > 0) {  // how many of those that were missing were to be passed over, nobody knows
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
  std::optional<Copy> copy;
  std::size_t looked_at = 0;
  for (bool more = true; more && position_ < upto;) {
    const bool there = at_.item >= log.first() && at_.item < log.end() && !log.at(at_.item).is_gap();
    if (!there || log.at(at_.item).from + at_.events > position_) {
      if (copy) break;  // it goes first
      if (missing(piece) && piece.gap) return piece;
      continue;
    }
    const Item& item = log.at(at_.item);
    const BatchHeader header = item.header();
    const bool alone = header.origin || header.flags != 0;  // unlike batches are not merged
    if (!copy) {
      copy.emplace(header, told_skip_);
    } else if (alone) {
      break;
    }
    more = look_at(item, *copy, upto, max_events, max_bytes, looked_at) && !alone;
  }
  if (copy && copy->count() > 0) {
    piece.events = copy->count();
    piece.bytes = copy->bytes();
    piece.stretch = {told_spot_, told_, told_skip_, position_};
    piece.batch = copy->finish(told_, position_, doubtful_ || marked);
    tell();
  } else if (position_ >= upto) {
    tell();
  }
  return piece;
}

/// Takes what is selected of the rest of the item. False if there is no room for more.
bool Scan::look_at(const Item& item, Copy& copy, std::uint64_t upto, std::uint64_t max_events, std::uint64_t max_bytes,
                   std::size_t& looked_at) {
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
      } else if (copy.takes(reader.from().origin)) {
        copy.add(event, reader.from().origin);
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
