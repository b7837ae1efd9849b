// SPDX-License-Identifier: Apache-2.0
#include "galena/core/inlet.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace galena::core {

Inlet::Inlet(Options options, Time now)
    : options_(std::move(options)),
      repetition_(options_.seen),
      allowance_(options_.demand),
      heard_(now),
      told_(now),
      peer_silence_(options_.silence) {}

/// Goes to a state, and checks what must hold in it.
void Inlet::enter(State state) {
  state_ = state;
  GALENA_ASSERT(handled_ <= received_, "more was handled than came");
  GALENA_ASSERT(acknowledged_ <= handled_, "more was acknowledged than was handled");
  GALENA_ASSERT(state == State::failed || accepted(), "there is no place before the subscription is accepted");
  GALENA_ASSERT(state == State::reading || (left_ == 0 && frame_.empty()), "something is left of a frame");
  GALENA_ASSERT((state == State::failed) == !failure_.reason.empty(), "a link that failed says why, and no other does");
}

std::string Inlet::hello() const {
  Subscribe wish{options_.stage,     options_.subscription, options_.epoch, options_.consumer, options_.selection,
                 allowance_.limit(), options_.silence,      std::nullopt,   options_.identity, options_.consumer_stage};
  // Of a stream that is over as well: whoever has the name now may have kept something for its predecessor's consumers.
  wish.largest_event = options_.largest_event;
  if (options_.previous) wish.resume = options_.previous->place;
  return encode(wish);
}

Place Inlet::place() const {
  const std::uint64_t being_handled = received_ - left_ - handled_;  // one, or none
  const std::uint64_t done = place_.events + batch_.count - left_ - being_handled;
  const bool whole = batch_.count > 0 && left_ == 0 && being_handled == 0 && (batch_.flags & flag_more) == 0;
  if (whole) return {place_.stream, std::max(place_.from, batch_.upto), 0};
  return {place_.stream, place_.from, done};
}

Standing Inlet::standing() const {
  return {place(), repetition_.told(), state_ == State::ended, repetition_.repeated(), repetition_.doubtful()};
}

Inlet::Input Inlet::handle(std::string_view frame, Time now) {
  GALENA_ASSERT(state_ != State::reading, "the last frame must be read to its end first");
  if (state_ == State::failed) return Input::malformed;  // what comes after that is not read any more
  if (state_ == State::ended) return Input::ended;
  heard_ = now;
  if (starts_with_batch(frame)) {
    if (!accepted()) return fail(reason::malformed, "events came before the subscription was accepted");
    frame_ = frame;
    enter(State::reading);
    allowance_.handle_arrival(now);
    return Input::events;
  }
  const auto message = decode(frame);
  if (!message) return fail(reason::malformed, "a message came that is not of this protocol: " + why_malformed(frame));
  if (const auto* cancel = std::get_if<Cancel>(&*message)) {
    failure_ = *cancel;
    if (failure_.reason.empty()) failure_.reason = reason::cancelled;
    enter(State::failed);
    return Input::cancelled;
  }
  if (const auto* told = std::get_if<Accept>(&*message)) return accept(*told);
  if (const auto* other = std::get_if<OtherVersion>(&*message)) {
    return fail(reason::version, spoken_versions.refuse(other->versions));
  }
  if (!accepted()) return fail(reason::malformed, "a message came before the subscription was accepted");
  if (const auto* mark = std::get_if<Mark>(&*message)) {
    finish_upto(mark->upto);
    repetition_.handle_mark({place_.stream, mark->upto, 0});
    return Input::nothing;
  }
  if (const auto* gap = std::get_if<Gap>(&*message)) {
    if (auto news = repetition_.news_of(*gap, received_ > 0)) record_gap(std::move(*news));
    return Input::nothing;
  }
  if (const auto* draining = std::get_if<Draining>(&*message)) {
    draining_upto_ = draining->upto;
    return Input::nothing;
  }
  if (const auto* end = std::get_if<End>(&*message)) {
    finish_upto(end->upto);
    enter(State::ended);
    return Input::ended;
  }
  return fail(reason::malformed, "a message came that is not for a subscriber");
}

Inlet::Input Inlet::accept(const Accept& message) {
  if (accepted()) return fail(reason::malformed, "the subscription was accepted twice");
  if (options_.stage && message.stage != options_.stage) return fail(reason::wrong_stage, "another stage answered");
  const auto& previous = options_.previous;
  const bool same_stream = previous && previous->place.stream == message.place.stream;
  // A consumer knows what it handled itself. What another consumer with the same identity handled before, it knows only
  // from a Standing in this stream. Without an identity there was no other.
  repetition_.handle_accept(message, previous, options_.exact && (same_stream || options_.identity.empty()));
  place_ = message.place;
  peer_silence_ = sane_silence(message.silence);
  enter(State::open);
  if (previous) tell_between(*previous);
  return Input::accepted;
}

/// The link begins at place_, and the subscription stood at `previous`. Tells as a gap what lies between:
///
///   place_                                   gap
///   in another stream                        unless that ended, what was left of it
///   further than what is known to be gone    from where it stood
///   in the same batch, but behind more of    of no positions: the events between came as something else, and nobody
///   its events                               knows which
///   anywhere else                            none
void Inlet::tell_between(const Standing& previous) {
  const Place& stood = previous.place;
  const auto record_lost = [&](std::uint64_t from, std::uint64_t upto) {
    record_gap({from, upto, std::nullopt, std::string(reason::lost)});
  };
  if (stood.stream != place_.stream) {
    if (!previous.ended) record_lost(stood.from, stood.from);
  } else if (place_.from > std::max(stood.from, previous.told.upto)) {
    record_lost(stood.from, place_.from);
  } else if (place_.from == stood.from) {
    if (options_.exact && place_.events > stood.events) record_lost(stood.from, stood.from);
    place_.events = std::max(place_.events, stood.events);
  }
}

bool Inlet::next_batch(EventView& event) { return find_batch() && next(event); }

std::optional<Inlet::WholeBatch> Inlet::whole_batch() {
  if (left_ == 0 && !find_batch()) return std::nullopt;
  if (left_ != batch_.count || repetition_.must_judge() || header_bytes_ != batch_header_bytes) return std::nullopt;
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
  count_handled(std::exchange(left_, 0));
  events_ = EventReader(events_.rest().substr(events_.rest().size()));
}

/// Steps into the next batch of the frame that has an event.
bool Inlet::find_batch() {
  if (state_ != State::reading) return false;
  if (left_ > 0 || !events_.rest().empty()) {
    fail(reason::malformed, "a batch does not hold the events that its header tells");
    return false;
  }
  while (left_ == 0) {
    if (batch_bytes_ > 0 || batch_.count > 0) close_batch();
    if (frame_.empty()) {
      enter(State::open);
      return false;
    }
    if (!open_batch()) return false;
  }
  return true;
}

void Inlet::close_batch() {
  repetition_.end_batch(place_.events + batch_.count);
  finished_bytes_ += batch_bytes_;
  if ((batch_.flags & flag_more) == 0) {
    finish_upto(batch_.upto);
  } else {
    place_.events += batch_.count;
  }
  batch_ = {};
  batch_bytes_ = 0;
  events_ = EventReader();
  if (finished_bytes_ >= allowance_.refill_at_bytes()) attention_ = true;
}

/// An event may start while there is credit, so the last event of a batch may pass the limit in bytes.
bool Inlet::is_granted(const BatchHeader& header) const {
  const Credit& limit = allowance_.limit();
  if (received_ + header.count > limit.events) return false;
  if (header.count == 0 || received_bytes_ + header.bytes <= limit.bytes) return true;
  EventReader reader(frame_.substr(0, header.bytes), static_cast<bool>(header.origin));
  EventView event;
  for (std::uint32_t i = 1; i < header.count && reader.next(event); ++i) {
  }
  return received_bytes_ + (header.bytes - reader.rest().size()) < limit.bytes;
}

bool Inlet::open_batch() {
  const std::size_t before = frame_.size();
  const auto header = read_batch_header(frame_);
  header_bytes_ = before - frame_.size();
  if (!header) {
    fail(reason::malformed, "a batch header is not readable");
    return false;
  }
  if (!is_granted(*header)) {
    fail(reason::credit, "more was sent than was granted");
    return false;
  }
  // The rest of a batch, or what lies behind it.
  const bool is_rest =
      covered_.is_part && header->from == covered_.from && (header->first == 0 || header->first >= covered_.events);
  const bool goes_on = header->from >= covered_.upto || is_rest;
  if (!goes_on) {
    fail(reason::malformed, "a batch begins at position " + std::to_string(header->from) + ", though events up to " +
                                std::to_string(covered_.upto) + " came before");
    return false;
  }
  const std::uint64_t known = std::max(place_.from, repetition_.told().upto);
  if (header->from > known) record_gap({known, header->from, std::nullopt, std::string(reason::lost)});
  if (header->from != place_.from) place_ = {place_.stream, header->from, 0};
  if (header->first > 0) place_.events = header->first;  // not all of the events before it may have come: see gaps
  if (header->count > 0) {
    covered_ = {header->from, header->upto, (header->flags & flag_more) != 0, place_.events + header->count};
  }
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
  repetition_.begin_batch(batch_, place_.stream);
  return true;
}

/// The number of the event that was read last, counted from 0 over all that is selected from the batch's `from` on.
std::uint64_t Inlet::number() const { return place_.events + batch_.count - left_ - 1; }

/// Whether the handler gets the event: not if it was handled before. Marks it if it may have been.
bool Inlet::admit(EventView& event) {
  switch (repetition_.judge(number(), events_.step())) {
    case Repetition::Verdict::fresh:
      return true;
    case Repetition::Verdict::doubtful:
      event.repeated = true;
      return true;
    case Repetition::Verdict::handled:
      break;
  }
  ++passed_over_;
  count_handled(1);
  return false;
}

/// A publisher whose Accept tells more events of the batch than there are has given no number to those that follow.
bool Inlet::number_counts() const {
  constexpr std::uint64_t most = 0xffffffff;  // of an origin's ordinal
  return (batch_.flags & flag_recut) == 0 && number() < batch_.upto - batch_.from && number() <= most;
}

std::optional<std::uint64_t> Inlet::position() const {
  const bool dense =
      options_.selection.everything() || (batch_.first == 0 && batch_.upto - batch_.from == batch_.count);
  if (!dense || !number_counts()) return std::nullopt;
  return batch_.from + number();
}

Provenance Inlet::provenance(const EventView& event) const {
  Provenance from{event.repeated, {}};
  if (number_counts()) from.origin = {{place_.stream, batch_.from, number()}, 0};
  return from;
}

void Inlet::record_seen() {
  if (accepted()) repetition_.record_handled(place());
}

void Inlet::acknowledge(std::uint64_t deliveries) {
  GALENA_ASSERT(deliveries <= handled_, "what is acknowledged was handled");
  acknowledgeable_ = std::max(acknowledgeable_, deliveries);
}

/// Credit for more is due. A consumer that acknowledges later grants when it is idle, too: its limits show how far it
/// has handled what it has not acknowledged.
bool Inlet::credit_due(bool idle) const {
  const Credit handled = handled_credit();
  return allowance_.refill_due(handled) || (options_.acknowledge_later && idle && allowance_.can_refill(handled));
}

bool Inlet::grant_waits(bool idle) const { return credit_due(idle) || (idle && done() > acknowledged_); }

/// Everything below `upto` is done with.
void Inlet::finish_upto(std::uint64_t upto) {
  if (upto > place_.from) place_ = {place_.stream, upto, 0};
}

Inlet::Input Inlet::fail(std::string_view why, std::string detail) {
  failure_ = {std::string(why), std::move(detail)};
  batch_.flags |= flag_more;  // the batch may be broken: whoever resumes must not pass over the rest of it
  place_ = place();
  received_ -= left_;  // those are not handed out any more
  batch_ = {};
  frame_ = {};
  left_ = 0;
  enter(State::failed);
  return Input::malformed;
}

std::string Inlet::farewell() const { return encode(failure_); }

std::optional<std::string> Inlet::poll_grant(bool idle, Time now) {
  attention_ = !gaps_.empty();
  if (!grant_waits(idle)) return std::nullopt;
  const Credit handled = handled_credit();
  if (credit_due(idle)) {
    allowance_.refill(handled, now);
  } else {
    allowance_.follow(handled);
  }
  acknowledged_ = done();
  told_ = now;
  return encode(Grant{acknowledged_, allowance_.limit()});
}

std::optional<std::string> Inlet::poll_heartbeat(Time now) {
  if (now - told_ < options_.silence / 4) return std::nullopt;
  told_ = now;
  return encode(Grant{acknowledged_, allowance_.limit()});
}

std::vector<Gap> Inlet::poll_gaps() {
  attention_ = allowance_.refill_due(handled_credit());
  return std::exchange(gaps_, {});
}

void Inlet::record_gap(Gap gap) {
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
