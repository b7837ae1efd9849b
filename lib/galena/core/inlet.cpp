// SPDX-License-Identifier: Apache-2.0
#include "galena/core/inlet.hpp"

#include <algorithm>
#include <limits>

#include "galena/base/assert.hpp"

namespace galena::core {

Inlet::Inlet(Options options, Time now)
    : options_(std::move(options)),
      window_(options_.demand.max_bytes, options_.demand.most_bytes),
      heard_(now),
      told_(now),
      peer_silence_(options_.silence) {
  const Demand& demand = options_.demand;
  GALENA_ASSERT(demand.max_events > 0 && demand.min_events < demand.max_events && demand.max_bytes > 0,
                "a demand must ask for something, and again before it has everything");
  limit_ = {demand.max_events, demand.max_bytes};
  grant_at_ = demand.max_events - demand.min_events;
  grant_at_bytes_ = demand.max_bytes - demand.max_bytes / 2;
}

std::string Inlet::hello() const {
  Subscribe wish{options_.stage, options_.subscription, options_.epoch, options_.consumer, options_.selection,
                 limit_,         options_.silence,      std::nullopt,   options_.identity, options_.consumer_stage};
  // Of a stream that is over as well: whoever has the name now may have kept something for its predecessor's consumers.
  if (options_.previous) wish.resume = options_.previous->place;
  return encode(wish);
}

Place Inlet::place() const {
  const Place& begin = standing_.place;
  const std::uint64_t being_handled = received_ - left_ - handled_;  // one, or none
  const std::uint64_t done = begin.events + batch_.count - left_ - being_handled;
  const bool whole = batch_.count > 0 && left_ == 0 && being_handled == 0 && (batch_.flags & flag_more) == 0;
  if (whole) return {begin.stream, std::max(begin.from, batch_.upto), 0};
  return {begin.stream, begin.from, done};
}

Standing Inlet::standing() const {
  Standing standing = standing_;
  standing.place = place();
  return standing;
}

Inlet::Input Inlet::handle(std::string_view frame, Time now) {
  GALENA_ASSERT(left_ == 0 && frame_.empty(), "the last frame must be read to its end first");
  if (!failure_.reason.empty()) return Input::malformed;  // what comes after that is not read any more
  heard_ = now;
  if (starts_with_batch(frame)) {
    if (!accepted()) return fail(reason::malformed, "events came before the subscription was accepted");
    frame_ = frame;
    window_.note_arrival(now);
    return Input::events;
  }
  const auto message = decode(frame);
  if (!message) return fail(reason::malformed, "a message came that is not of this protocol");
  if (const auto* cancel = std::get_if<Cancel>(&*message)) {
    failure_ = *cancel;
    if (failure_.reason.empty()) failure_.reason = reason::cancelled;
    return Input::cancelled;
  }
  if (const auto* told = std::get_if<Accept>(&*message)) return accept(*told);
  if (const auto* other = std::get_if<OtherVersion>(&*message)) {
    return fail(reason::version, spoken_versions.refuse(other->versions));
  }
  if (!accepted()) return fail(reason::malformed, "a message came before the subscription was accepted");
  if (const auto* mark = std::get_if<Mark>(&*message)) {
    finish_upto(mark->upto);
    return Input::nothing;
  }
  if (const auto* gap = std::get_if<Gap>(&*message)) {
    take_gap(*gap);
    return Input::nothing;
  }
  if (const auto* draining = std::get_if<Draining>(&*message)) {
    draining_upto_ = draining->upto;
    return Input::nothing;
  }
  if (const auto* end = std::get_if<End>(&*message)) {
    finish_upto(end->upto);
    standing_.ended = true;
    return Input::ended;
  }
  return fail(reason::malformed, "a message came that is not for a subscriber");
}

Inlet::Input Inlet::accept(const Accept& message) {
  if (accepted()) return fail(reason::malformed, "the subscription was accepted twice");
  if (options_.stage && message.stage != options_.stage) return fail(reason::wrong_stage, "another stage answered");
  Place& place = standing_.place = message.place;
  // What this consumer remembers itself is exact, but for what whoever had the identity before it may have handled.
  // (Without an identity nobody was there before: what was sent over a link that broke early was not handled.)
  const auto& known = options_.previous;
  const bool same_stream = known && known->place.stream == place.stream;
  const bool remembers = options_.exact && (same_stream || options_.identity.empty());
  standing_.repeated = !remembers ? message.repeated : same_stream ? known->repeated : std::nullopt;
  peer_silence_ = sane_silence(message.silence);
  if (const auto& before = options_.previous) {
    // Of another stream nobody can say any more what was left of it.
    const Place& stood = before->place;
    resumed_ = place == stood;
    if (same_stream) standing_.told = before->told;
    if (same_stream && place.from == stood.from) {
      if (options_.exact && place.events > stood.events) {  // what it was asked for arrived as something else
        note_gap({place.from, place.from, std::nullopt, std::string(reason::lost)});
      }
      place.events = std::max(place.events, stood.events);
    }
    if (same_stream && place.from > std::max(stood.from, before->told.upto)) {
      note_gap({stood.from, place.from, std::nullopt, std::string(reason::lost)});
    } else if (!same_stream && !before->ended) {
      note_gap({stood.from, stood.from, std::nullopt, std::string(reason::lost)});
    }
  }
  return Input::accepted;
}

/// A link that broke may have told it, or the beginning of it: it may have grown since.
void Inlet::take_gap(const Gap& gap) {
  const auto& before = options_.previous;
  const Id& stream = standing_.place.stream;
  const std::uint64_t told = before && before->place.stream == stream ? before->told.upto : 0;
  if (gap.upto > told) {
    Gap news = gap;
    // Some of it may have been handled by whoever was here before, or in the stream that the name had before.
    const bool is_new = before && before->place.stream != stream && received_ == 0;
    if (is_new || (standing_.repeated && gap.from < standing_.repeated->from)) news.count.reset();
    if (gap.from < told) {
      // Of the very gap that was told before, what is new is known.
      const bool same = resumed_ && before->told.from == gap.from && gap.count && before->told.count;
      const std::uint64_t grown = same && *gap.count > *before->told.count ? *gap.count - *before->told.count : 0;
      news.count = grown > 0 && grown <= gap.upto - told ? std::optional(grown) : std::nullopt;
      news.from = told;
    }
    note_gap(std::move(news));
    standing_.told.from = gap.from;
    standing_.told.count = gap.count;
  }
  standing_.told.upto = std::max(standing_.told.upto, gap.upto);
}

bool Inlet::next_batch(EventView& event) { return find_batch() && next(event); }

std::optional<Inlet::WholeBatch> Inlet::whole_batch() {
  if (left_ == 0 && !find_batch()) return std::nullopt;
  if (left_ != batch_.count || special_ || header_bytes_ != batch_header_bytes) return std::nullopt;
  if (!readable_) {
    EventReader reader = events_;
    std::uint32_t count = 0;
    for (EventView event; count < left_ && reader.next(event);) ++count;
    readable_ = count == left_ && reader.rest().empty();
    if (!readable_) return std::nullopt;
  }
  const std::string_view events = events_.rest();
  return WholeBatch{{events.data() - batch_header_bytes, events.size() + batch_header_bytes}, left_};
}

void Inlet::handled_whole() {
  handled_ += left_;
  left_ = 0;
  events_ = EventReader(events_.rest().substr(events_.rest().size()));
  if (handled_ >= grant_at_) attention_ = true;
}

/// Steps into the next batch of the frame that has an event.
bool Inlet::find_batch() {
  if (!failure_.reason.empty()) return false;
  if (left_ > 0 || !events_.rest().empty()) {
    fail(reason::malformed, "a batch does not hold the events that its header tells");
    return false;
  }
  while (left_ == 0) {
    if (batch_bytes_ > 0 || batch_.count > 0) {  // the batch before is done with
      finished_bytes_ += batch_bytes_;
      if ((batch_.flags & flag_more) == 0) {
        finish_upto(batch_.upto);
      } else {
        standing_.place.events += batch_.count;
      }
      batch_ = {};
      origin_ = {};
      special_ = false;
      batch_bytes_ = 0;
      events_ = EventReader();
      if (finished_bytes_ >= grant_at_bytes_) attention_ = true;
    }
    if (frame_.empty()) return false;
    if (!open_batch()) return false;
  }
  return true;
}

bool Inlet::open_batch() {
  const std::size_t before = frame_.size();
  const auto header = read_batch_header(frame_);
  header_bytes_ = before - frame_.size();
  if (!header) {
    fail(reason::malformed, "a batch header is not readable");
    return false;
  }
  // An event may start while there is credit, so the bytes may pass the limit by one event.
  if (received_ + header->count > limit_.events || (header->count > 0 && received_bytes_ >= limit_.bytes)) {
    fail(reason::credit, "more was sent than was granted");
    return false;
  }
  Place& place = standing_.place;
  const std::uint64_t known = std::max(place.from, standing_.told.upto);
  if (header->from > known) note_gap({known, header->from, std::nullopt, std::string(reason::lost)});
  if (header->from != place.from) place = {place.stream, header->from, 0};
  if (header->first > 0) place.events = header->first;  // some may be told as a gap
  batch_ = *header;
  readable_ = false;
  batch_bytes_ = header->bytes;
  left_ = header->count;
  events_ = EventReader(frame_.substr(0, header->bytes), static_cast<bool>(header->origin));
  frame_.remove_prefix(header->bytes);
  received_ += header->count;
  received_bytes_ += header->bytes;
  if (left_ == 0 && batch_bytes_ > 0) {
    fail(reason::malformed, "a batch without events has bytes");
    return false;
  }
  if (left_ == 0) finish_upto(batch_.upto);
  mark_batch();
  return true;
}

/// What is to be said of the events of the batch that was opened, all of them or the first `marked_`.
void Inlet::mark_batch() {
  constexpr auto all = std::numeric_limits<std::uint64_t>::max();
  marked_ = (batch_.flags & flag_repeated) != 0 ? all : 0;
  const auto& repeated = standing_.repeated;
  if (repeated && batch_.from < repeated->from) marked_ = all;
  if (repeated && batch_.from == repeated->from) marked_ = std::max(marked_, repeated->events);
  seen_before_ = options_.seen != nullptr && options_.seen->reaches(standing_.place.stream, batch_.from);
  special_ = marked_ > 0 || seen_before_ || batch_.origin;
}

/// The number of the event that next() gave, of all that is selected of its batch's positions.
std::uint64_t Inlet::index() const { return standing_.place.events + batch_.count - left_ - 1; }

/// False if the event was handled before and is passed over; else it is marked if it may have been.
bool Inlet::admit(EventView& event) {
  if (batch_.origin) {
    const bool is_first = left_ + 1 == batch_.count;
    if (is_first) {
      origin_ = batch_.origin;
    } else {
      origin_.advance(events_.step());
    }
  }
  bool repetition = origin_ && options_.seen != nullptr && options_.seen->contains(origin_);
  event.repeated = index() < marked_;
  if (seen_before_) {
    // A place known strictly within the positions of the batch is that of a mark: the batch came to be later. But what
    // was cut elsewhere cannot be compared then.
    const Id& stream = standing_.place.stream;
    const bool inside = options_.seen->reaches(stream, batch_.from + 1) && !options_.seen->reaches(stream, batch_.upto);
    const bool comparable = (batch_.flags & flag_recut) == 0 || !inside;
    const bool seen = options_.seen->contains(Place{stream, batch_.from, index() + 1}) && (!inside || !comparable);
    if (comparable) repetition = repetition || seen;
    if (!comparable && seen) event.repeated = true;
  }
  if (!repetition) return true;
  ++passed_over_;
  if (++handled_ >= grant_at_) attention_ = true;
  return false;
}

std::optional<std::uint64_t> Inlet::position() const {
  const bool dense =
      options_.selection.everything() || (batch_.first == 0 && batch_.upto - batch_.from == batch_.count);
  if (!dense || (batch_.flags & flag_recut) != 0) return std::nullopt;
  return batch_.from + index();
}

Provenance Inlet::provenance(const EventView& event) const {
  Provenance from{event.repeated, {}};
  if ((batch_.flags & flag_recut) == 0) from.origin = {{standing_.place.stream, batch_.from, index()}, 0};
  return from;
}

void Inlet::record_seen() {
  if (options_.seen != nullptr && accepted()) options_.seen->record(place());
}

void Inlet::acknowledge(std::uint64_t deliveries) {
  GALENA_ASSERT(deliveries <= handled_, "what is acknowledged was handled");
  settled_ = std::max(settled_, deliveries);
}

std::uint64_t Inlet::done() const { return options_.acknowledge_later ? settled_ : handled_; }

/// Credit for more is due. Who acknowledges late shows by it what is handled, too.
bool Inlet::credit_due(bool idle) const {
  const bool shows = options_.acknowledge_later && idle && handled_ + options_.demand.max_events > limit_.events;
  return granting_ && (grant_due() || shows);
}

bool Inlet::grant_waits(bool idle) const { return credit_due(idle) || (idle && done() > acknowledged_); }

/// Everything below `upto` is done with.
void Inlet::finish_upto(std::uint64_t upto) {
  Place& place = standing_.place;
  if (upto > place.from) place = {place.stream, upto, 0};
}

Inlet::Input Inlet::fail(std::string_view why, std::string detail) {
  failure_ = {std::string(why), std::move(detail)};
  batch_.flags |= flag_more;  // of a batch that makes no sense nobody knows that it was whole
  standing_.place = place();
  received_ -= left_;  // those are not handed out any more
  batch_ = {};
  frame_ = {};
  left_ = 0;
  return Input::malformed;
}

std::string Inlet::farewell() const { return encode(failure_); }

std::optional<std::string> Inlet::take_grant(bool idle, Time now) {
  attention_ = !gaps_.empty();
  GALENA_ASSERT(handled_ <= received_, "more was handled than came");
  if (!grant_waits(idle)) return std::nullopt;
  const bool due = credit_due(idle);
  if (due) {
    const Demand& demand = options_.demand;
    window_.tune(now);
    limit_.events = handled_ + demand.max_events;
    grant_at_ = handled_ + demand.max_events - demand.min_events;
  }
  if (due || (granting_ && window_.at_most())) {
    const std::uint64_t bytes = handled_bytes();
    const std::uint64_t window = window_.bytes();
    limit_.bytes = std::max(limit_.bytes, bytes + window);
    window_.note_grant(limit_.bytes);
    grant_at_bytes_ = bytes + window - window / 2;
  }
  acknowledged_ = done();
  told_ = now;
  return encode(Grant{acknowledged_, limit_});
}

std::optional<std::string> Inlet::take_heartbeat(Time now) {
  if (now - told_ < options_.silence / 4) return std::nullopt;
  told_ = now;
  return encode(Grant{acknowledged_, limit_});
}

std::vector<Gap> Inlet::take_gaps() {
  attention_ = grant_due();
  return std::exchange(gaps_, {});
}

void Inlet::note_gap(Gap gap) {
  if (gaps_.size() < max_gaps) {
    gaps_.push_back(std::move(gap));
  } else {
    Gap& last = gaps_.back();
    last.from = std::min(last.from, gap.from);
    last.upto = std::max(last.upto, gap.upto);
    last.count = last.count && gap.count ? std::optional(*last.count + *gap.count) : std::nullopt;
  }
  attention_ = true;
}

}  // namespace galena::core
