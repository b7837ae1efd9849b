// SPDX-License-Identifier: Apache-2.0
#include "galena/core/transmission.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace galena::core {
namespace {

/// A frame that is being put together: a run of whole batches that lie side by side.
class Frame {
 public:
  Frame(Link& link, std::vector<Parcel>& out) : link_(link), out_(out) {}
  ~Frame() { flush(); }
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;

  void add(const Item& item) {
    if (segment_ != item.segment || end_ != item.begin || item.end - begin_ > max_frame_bytes) {
      flush();
      segment_ = item.segment;
      begin_ = item.begin;
      first_item_ = link_.cursor.item;
    }
    end_ = item.end;
    events_ += item.count;
    bytes_ += item.events().size();
  }

  void flush() {
    if (segment_ == nullptr) return;
    segment_->hold();
    out_.push_back({.peer = link_.peer, .segment = segment_, .begin = begin_, .size = end_ - begin_});
    link_.note_sent(events_, bytes_, first_item_, 0);
    segment_ = nullptr;
    events_ = bytes_ = 0;
  }

  std::uint64_t events() const { return events_; }
  std::uint64_t bytes() const { return bytes_; }

 private:
  Link& link_;
  std::vector<Parcel>& out_;
  Segment* segment_ = nullptr;
  std::uint32_t begin_ = 0;
  std::uint32_t end_ = 0;
  std::uint64_t first_item_ = 0;
  std::uint64_t events_ = 0;
  std::uint64_t bytes_ = 0;
};

std::uint64_t waiting_bytes(const Link& link) {
  const Log& log = link.cursor.view->log;
  if (link.cursor.item == log.end()) return log.open_bytes();
  return log.written() - log.at(link.cursor.item).offset;
}

/// It has credit, and what waits is worth a frame.
bool hungry(const Link& link) {
  return link.may_send() && (link.frames_in_flight() < eager_frames || waiting_bytes(link) >= Log::max_batch_bytes);
}

/// The whole item may start now, after `frame`.
bool fits(const Link& link, const Item& item, const Frame& frame) {
  const std::uint64_t bytes_after = link.sent().bytes + frame.bytes() + item.events().size();
  return frame.events() + item.count <= link.events_left() &&
         (bytes_after <= link.byte_limit() ||
          (item.count == 1 && link.sent().bytes + frame.bytes() < link.byte_limit()));
}

/// Sends a copy of as many events of the item as credit allows, and moves the cursor past them.
void transmit_cut(Link& link, const Item& item, std::vector<Parcel>& out) {
  Cursor& cursor = link.cursor;
  const std::string_view rest = item.events().substr(cursor.offset);
  const std::uint32_t left = item.count - cursor.events;
  ItemReader reader(item, cursor.events, cursor.offset);
  BatchHeader header = item.header();
  EventView event;
  std::uint32_t count = 0;
  std::size_t bytes = 0;
  while (count < left && count < link.events_left() && link.sent().bytes + bytes < link.byte_limit()) {
    const bool read = reader.next(event);
    GALENA_ASSERT(read, "our own batch must be readable");
    if (count++ == 0) header.origin = reader.from().origin;
    bytes = rest.size() - reader.rest().size();
  }
  const bool all = count == left;
  header.bytes = static_cast<std::uint32_t>(bytes);
  header.count = count;
  header.first = cursor.events;
  if (!all) header.flags |= flag_more;
  std::string batch(header_bytes(header), '\0');
  write_batch_header(batch.data(), header);
  batch.append(rest.substr(0, bytes));
  out.push_back({.peer = link.peer, .bytes = std::move(batch)});
  link.note_sent(count, bytes, cursor.item, cursor.events);
  if (all) {
    cursor.step();
  } else {
    cursor.events += count;
    cursor.offset += static_cast<std::uint32_t>(bytes);
  }
}

/// What comes before the view, within the link's credit. False if there is more of it.
bool transmit_scan(Link& link, Buffer& buffer, std::vector<Parcel>& out) {
  Scan& scan = *link.scan;
  while (!scan.finished() && link.may_send()) {
    const std::uint64_t told = scan.told();
    Scan::Piece piece = scan.read(link.events_left(),
                                  std::min<std::uint64_t>(link.byte_limit() - link.sent().bytes, Log::max_batch_bytes));
    if (piece.gap) {
      link.lost += piece.gap->count.value_or(0);
      link.note_told(*piece.gap);
      out.push_back({.peer = link.peer, .bytes = encode(*piece.gap)});
    } else if (piece.events > 0) {
      out.push_back({.peer = link.peer, .bytes = std::move(piece.batch)});
      link.note_sent(piece);
    } else if (!scan.finished()) {  // it has looked at enough for now
      buffer.mark_dirty(*link.cursor.view);
      return false;
    }
    // The view's own batches begin here: nothing was selected on the way.
    if (scan.finished() && piece.events == 0 && !piece.gap && told < scan.upto()) {
      out.push_back({.peer = link.peer, .bytes = encode(Mark{scan.upto()})});
    }
  }
  if (!scan.finished()) return false;
  release_scan(link, buffer);
  return true;
}

}  // namespace

void release_scan(Link& link, Buffer& buffer) {
  if (!link.scan) return;
  const bool held = link.scan->holds();
  buffer.release(*link.scan, link.scan_needed_from());
  if (!link.scan_is_done()) return;
  link.scan.reset();
  if (held) buffer.release_base();
}

void transmit(Link& link, Buffer& buffer, std::vector<Parcel>& out, Time now) {
  Cursor& cursor = link.cursor;
  View& view = *cursor.view;
  const Log& log = view.log;
  const std::size_t before = out.size();
  if (link.scan && !link.scan->finished() && !transmit_scan(link, buffer, out)) {
    if (out.size() > before) link.told = now;
    return;
  }
  const bool send = hungry(link);
  if (send) buffer.seal(view);
  {
    Frame frame(link, out);
    // A gap costs no credit. It is told with the next event or when nothing is in flight, so that a consumer that
    // stands still is not sent one after the other.
    const auto tell_gap = [&] {
      if (!cursor.gap) return;
      frame.flush();
      link.note_told(*cursor.gap);
      out.push_back({.peer = link.peer, .bytes = encode(*std::exchange(cursor.gap, std::nullopt))});
    };
    while (cursor.item < log.end()) {
      const Item& item = log.at(cursor.item);
      if (item.is_gap()) {
        cursor.learn_gap();
        if (cursor.item + 1 == log.end() && !log.has_open()) break;  // it may grow
        cursor.step();
      } else if (!send) {
        break;
      } else if (cursor.events == 0 && fits(link, item, frame)) {
        tell_gap();
        frame.add(item);
        cursor.step();
      } else {
        frame.flush();
        // A copy only if no grant is due that would let the whole batch go without one.
        if (!link.may_send() || (link.frames_in_flight() > 0 && !link.half_open())) break;
        tell_gap();
        transmit_cut(link, item, out);
      }
    }
    frame.flush();
    if (link.frames_in_flight() == 0) tell_gap();
  }
  // Items that were only gaps need no acknowledgement.
  const std::uint64_t held = std::max(cursor.held, link.needed_from());
  if (held != cursor.held) {
    cursor.held = held;
    buffer.release(view);
  }
  if (out.size() > before) link.told = now;
}

std::uint32_t wake_threshold(const Link& link) {
  if (!link.may_send() || (link.scan && !link.scan->finished())) return View::quiet;
  if (link.frames_in_flight() >= eager_frames) return Log::max_batch_bytes;
  // What is sealed would have been sent if a grant were not needed for it.
  const Cursor& cursor = link.cursor;
  const Log& log = cursor.view->log;
  return cursor.item == log.end() || log.at(cursor.item).is_gap() ? 1 : View::quiet;
}

}  // namespace galena::core
