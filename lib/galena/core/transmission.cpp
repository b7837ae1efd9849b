// SPDX-License-Identifier: Apache-2.0
#include "galena/core/transmission.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "galena/base/assert.hpp"
#include "galena/core/batch_builder.hpp"
#include "galena/core/subscription.hpp"

namespace galena::core {
namespace {

/// A frame that is being put together: a run of whole batches that lie side by side.
class Frame {
 public:
  Frame(Link& link, std::vector<Parcel>& out) : link_(link), out_(out) {}
  ~Frame() { flush(); }
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;

  void add(std::uint64_t number, const Item& item) {
    if (segment_ != item.segment || end_ != item.begin || item.end - begin_ > max_frame_bytes) {
      flush();
      segment_ = item.segment;
      begin_ = item.begin;
      run_ = {.begin = {number, 0}, .from = item.from};
    }
    end_ = item.end;
    run_.end = {number + 1, 0};
    run_.events += item.count;
    bytes_ += item.events().size();
  }

  void flush() {
    if (segment_ == nullptr) return;
    segment_->pin();
    out_.push_back({.peer = link_.peer, .segment = segment_, .begin = begin_, .size = end_ - begin_});
    link_.record_sent(run_, bytes_);
    segment_ = nullptr;
    run_ = {};
    bytes_ = 0;
  }

  std::uint64_t events() const { return run_.events; }
  std::uint64_t bytes() const { return bytes_; }

 private:
  Link& link_;
  std::vector<Parcel>& out_;
  Segment* segment_ = nullptr;
  std::uint32_t begin_ = 0;
  std::uint32_t end_ = 0;
  Run run_;
  std::uint64_t bytes_ = 0;
};

std::uint64_t waiting_bytes(const Cursor& cursor) {
  const Log& log = cursor.view->log;
  if (cursor.item == log.end()) return log.open_bytes();
  return log.written() - log.at(cursor.item).offset;
}

/// It has credit, and what waits is worth a frame.
bool hungry(const Link& link, Time now) {
  return link.may_send() && (link.frames_in_flight() < eager_frames || now - link.sent_at >= longest_hold_back ||
                             waiting_bytes(link.subscription.cursor) >= Log::max_batch_bytes);
}

/// The whole item may start now, after `frame`.
bool fits(const Link& link, const Item& item, const Frame& frame) {
  const std::uint64_t bytes_after = link.sent().bytes + frame.bytes() + item.events().size();
  return frame.events() + item.count <= link.events_left() &&
         (bytes_after <= link.byte_limit() ||
          (item.count == 1 && link.sent().bytes + frame.bytes() < link.byte_limit()));
}

/// The size of the item if it is an event that the link must not carry: such a one is alone in its batch.
std::optional<std::uint64_t> too_large(const Link& link, const Item& item) {
  if (item.count != 1 || item.events().size() <= link.largest_event) return std::nullopt;
  EventView event;
  ItemReader(item, 0, 0).next(event);
  const std::uint64_t bytes = event.topic.size() + event.payload.size();
  return bytes > link.largest_event ? std::optional(bytes) : std::nullopt;
}

/// The last event of the piece is such a one. (Those before it have less than max_batch_bytes.)
bool is_too_large(const Link& link, const Scan::Piece& piece) {
  return piece.bytes > Log::max_batch_bytes && piece.bytes - Log::max_batch_bytes > link.largest_event;
}

/// Such an event of `bytes` is next. The link is over when the consumer has acknowledged what came before.
void stop_at(Link& link, std::uint64_t bytes) {
  if (link.in_flight() == 0) link.too_large = bytes;
}

/// Sends a copy of up to `most` events of the item at the cursor, as far as credit allows, and moves the cursor past
/// them. Returns how many.
std::uint32_t transmit_cut(Link& link, Cursor& cursor, std::uint64_t most, bool repeated, std::vector<Parcel>& out) {
  const Item& item = cursor.view->log.at(cursor.item);
  const std::string_view rest = item.events().substr(cursor.offset);
  most = std::min({most, std::uint64_t{item.count - cursor.events}, link.events_left()});
  ItemReader reader(item, cursor.events, cursor.offset);
  Provenance first;
  EventView event;
  std::uint32_t count = 0;
  std::size_t bytes = 0;
  while (count < most && link.sent().bytes + bytes < link.byte_limit()) {
    const bool read = reader.next(event);
    GALENA_ASSERT(read, "our own batch must be readable");
    if (count++ == 0) first = reader.from();
    bytes = rest.size() - reader.rest().size();
  }
  first.repeated |= repeated;
  const bool all = cursor.events + count == item.count;
  BatchBuilder batch(cursor.events);
  batch.copy(rest.substr(0, bytes), count, first);
  out.push_back({.peer = link.peer, .bytes = batch.finish(item.from, item.upto, all ? std::uint16_t{0} : flag_more)});
  const Spot begin = cursor.spot();
  if (all) {
    cursor.step();
  } else {
    cursor.events += count;
    cursor.offset += static_cast<std::uint32_t>(bytes);
  }
  link.record_sent({begin, cursor.spot(), count, item.from}, bytes);
  return count;
}

/// What links that are lost handed back, within the credit of this one. It comes before everything else. False if
/// something of it must not be sent over this link.
bool transmit_returned(Link& link, Cursor& cursor, std::vector<Parcel>& out) {
  while (!cursor.returned.empty() && link.may_send()) {
    Run& run = cursor.returned.front();
    if (const auto bytes = too_large(link, cursor.view->log.at(run.begin.item))) {
      stop_at(link, *bytes);
      return false;
    }
    Cursor at{.view = cursor.view};
    at.go_back(run.begin.item, run.begin.events);
    run.events -= transmit_cut(link, at, run.events, true, out);
    if (run.events == 0) {
      cursor.returned.erase(cursor.returned.begin());
    } else {
      run.begin = cursor.view->log.behind(at.spot(), 0);
      run.from = cursor.view->log.position_of(run.begin.item);
    }
  }
  return true;
}

/// What comes before the view, within the link's credit. False if there is more of it.
bool transmit_scan(Link& link, Buffer& buffer, std::vector<Parcel>& out) {
  Subscription& subscription = link.subscription;
  Scan& scan = *subscription.scan;
  if (!subscription.may_scan(link)) return false;
  while (!scan.finished() && link.may_send()) {
    const std::uint64_t told = scan.told();
    Scan::Piece piece = scan.read(link.events_left(),
                                  std::min<std::uint64_t>(link.byte_limit() - link.sent().bytes, Log::max_batch_bytes),
                                  subscription.to_be_marked(link).from);
    if (piece.gap) {
      subscription.lost.add(*piece.gap);
      link.record_told(*piece.gap);
      out.push_back({.peer = link.peer, .bytes = encode(*piece.gap)});
    } else if (piece.mark) {
      out.push_back({.peer = link.peer, .bytes = encode(Mark{*piece.mark})});
    } else if (is_too_large(link, piece)) {
      stop_at(link, piece.bytes);
      scan.go_back(piece.stretch, 0);
      return false;
    } else if (piece.events > 0) {
      out.push_back({.peer = link.peer, .bytes = std::move(piece.batch)});
      link.record_sent(piece);
      subscription.record_scanned(piece.events);
    } else if (!scan.finished()) {  // it has looked at enough for now
      buffer.mark_dirty(*subscription.cursor.view);
      return false;
    }
    // The view's own batches begin here: nothing was selected on the way.
    if (scan.finished() && piece.events == 0 && !piece.gap && !piece.mark && told < scan.upto()) {
      out.push_back({.peer = link.peer, .bytes = encode(Mark{scan.upto()})});
    }
  }
  return scan.finished();
}

/// What is in the view from the cursor on, within the link's credit.
void transmit_view(Link& link, Buffer& buffer, std::vector<Parcel>& out, Time now) {
  Cursor& cursor = link.subscription.cursor;
  const Log& log = cursor.view->log;
  const bool send = hungry(link, now);
  if (send) buffer.seal(*cursor.view);
  const Place marked = link.subscription.to_be_marked(link);
  Frame frame(link, out);
  // A gap costs no credit. It is told with the next event or when nothing is in flight, so that a consumer that stands
  // still is not sent one after the other.
  const auto tell_gap = [&] {
    if (!cursor.gap) return;
    frame.flush();
    link.record_told(*cursor.gap);
    out.push_back({.peer = link.peer, .bytes = encode(*std::exchange(cursor.gap, std::nullopt))});
  };
  while (cursor.item < log.end()) {
    const Item& item = log.at(cursor.item);
    const bool repeated = item.from < marked.from || (item.from == marked.from && cursor.events < marked.events);
    if (item.is_gap()) {
      cursor.learn_gap();
      if (cursor.item + 1 == log.end() && !log.has_open()) break;  // it may grow
      cursor.step();
    } else if (!send) {
      break;
    } else if (const auto bytes = too_large(link, item)) {
      frame.flush();
      stop_at(link, *bytes);
      break;
    } else if (cursor.events == 0 && !repeated && fits(link, item, frame)) {
      tell_gap();
      frame.add(cursor.item, item);
      cursor.step();
    } else {
      frame.flush();
      // A copy only if no grant is due that would let the whole batch go without one.
      if (!link.may_send() || (link.frames_in_flight() > 0 && !link.half_open())) break;
      tell_gap();
      const bool partly = repeated && item.from == marked.from;
      transmit_cut(link, cursor, partly ? marked.events - cursor.events : item.count, repeated, out);
    }
  }
  frame.flush();
  if (link.frames_in_flight() == 0) tell_gap();
}

}  // namespace

void transmit(Link& link, Buffer& buffer, std::vector<Parcel>& out, Time now) {
  const std::size_t before = out.size();
  const std::uint64_t sent_before = link.sent().events;
  if (!link.subscription.is_scanning() || transmit_scan(link, buffer, out)) {
    if (transmit_returned(link, link.subscription.cursor, out)) transmit_view(link, buffer, out, now);
    link.subscription.release_acknowledged(buffer);  // items that were only gaps, or a scan that found nothing
  }
  if (out.size() > before) link.told = now;
  if (link.sent().events > sent_before) link.sent_at = now;
}

bool holds_back(const Link& link, Time now) {
  return link.may_send() && !link.subscription.is_scanning() && link.frames_in_flight() >= eager_frames &&
         now - link.sent_at < longest_hold_back;
}

std::uint32_t wake_threshold(const Link& link, Time now) {
  if (!link.may_send() || link.subscription.is_scanning()) return View::quiet;
  if (holds_back(link, now)) return Log::max_batch_bytes;
  // What is sealed would have been sent if a grant were not needed for it.
  const Cursor& cursor = link.subscription.cursor;
  const Log& log = cursor.view->log;
  return cursor.item == log.end() || log.at(cursor.item).is_gap() ? 1 : View::quiet;
}

}  // namespace galena::core
