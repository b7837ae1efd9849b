// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "galena/core/place.hpp"
#include "galena/event_view.hpp"

namespace galena::core {

/// Which event of another stream a relay made an event from: the one right behind `place`. The relay may have made
/// several events from that one; this is number `part` of them, from 0. An event that was made from none, or from
/// several, has no origin: then `place` names no stream.
struct Origin {
  Place place;
  std::uint64_t part = 0;

  explicit operator bool() const { return static_cast<bool>(place.stream); }
  /// On to the first event that was made from the `step`-th event after this one; with 0, to the next part of this one.
  void advance(std::uint64_t step) {
    part = step == 0 ? part + 1 : 0;
    place.events += step;
  }
  friend bool operator==(const Origin&, const Origin&) = default;
};

/// A batch is the unit of memory and of the wire: a header, then `count` events. Its grammar is PROTOCOL.md's `batch`.
///
///   header = array(5): bytes u32, count u32, from u64, upto u64, flags u16   (32 bytes, fixed widths)
///          / array(9): the same, and the origin of the first event: stream id, from u64, ordinal u32, part u32   (69)
///          / array(6), array(10): the same, and first u32: of the rest of a batch   (37, 74)
///   event  = topic (bin 8/16), payload (bin 8/16/32: raw; ext 8/16/32 of type 1: MessagePack)
///            and in a batch with an origin: step, the ordinals since the event before (0 for the first)
///
/// `bytes` counts what follows the header. The batch speaks of the positions [from, upto) of its stream: those of its
/// own events and those that the subscription did not select.
struct BatchHeader {
  std::uint32_t bytes = 0;
  std::uint32_t count = 0;
  std::uint64_t from = 0;
  std::uint64_t upto = 0;
  std::uint16_t flags = 0;
  Origin origin = {};
  std::uint32_t first = 0;  ///< so many of the events selected from `from` on come before these
  friend bool operator==(const BatchHeader&, const BatchHeader&) = default;
};

inline constexpr std::uint32_t batch_header_bytes = 32;
inline constexpr std::uint32_t origin_header_bytes = 69;
inline std::uint32_t header_bytes(const BatchHeader& header) {
  return (header.origin ? origin_header_bytes : batch_header_bytes) + (header.first > 0 ? 5 : 0);
}
/// The most that a step takes.
inline constexpr std::size_t max_step_bytes = 5;
inline constexpr std::size_t max_topic_bytes = 0xffff;
inline constexpr std::uint8_t msgpack_ext_type = 1;

/// More events of the same [from, upto) follow in the next batch: credit ended inside this one.
inline constexpr std::uint16_t flag_more = 1;
/// Its events may have been published before, by whoever had this publisher's name then.
inline constexpr std::uint16_t flag_repeated = 2;
/// It was put together from what is kept: the stream's own batches are cut elsewhere, so an ordinal in it says nothing.
inline constexpr std::uint16_t flag_recut = 4;

/// True if a frame starts with a batch rather than with a control message: with an array of five, six, nine or ten of
/// which the first is an unsigned integer. (A control message may have as many items, but the first is its verb.)
inline bool starts_with_batch(std::string_view frame) {
  if (frame.size() < 2) return false;
  const auto head = static_cast<std::uint8_t>(frame[0]);
  if (head != 0x95 && head != 0x96 && head != 0x99 && head != 0x9a) return false;
  const auto first = static_cast<std::uint8_t>(frame[1]);
  return first < 0x80 || (first >= 0xcc && first <= 0xcf);
}

/// Writes exactly header_bytes(header). Requires: an origin's `events` and `part` are below 2^32.
void write_batch_header(char* to, const BatchHeader& header);

/// Reads a header off the front of `bytes`, of any integer widths (other languages pack as tightly as they can).
/// Empty, and `bytes` untouched, if that is not a header or if its events do not fit into what follows it.
std::optional<BatchHeader> read_batch_header(std::string_view& bytes);

/// How many bytes write_event() takes.
inline std::size_t event_bytes(const EventView& event) {
  const std::size_t topic = event.topic.size();
  const std::size_t payload = event.payload.size();
  const std::size_t width = payload < 0x100 ? 1 : payload < 0x10000 ? 2 : 4;
  return topic + (topic < 0x100 ? 2 : 3) + payload + 1 + width + (event.encoding == Encoding::msgpack ? 1 : 0);
}

/// The head of a long topic or payload, or of a MessagePack payload; the short raw ones are written in write_event().
char* write_topic_head(char* to, std::size_t size);
char* write_payload_head(char* to, std::size_t size, Encoding encoding);

/// Copies what is short (most topics, many payloads) in two overlapping moves: a call of memcpy costs more than that.
[[gnu::always_inline]] inline char* write_bytes(char* to, std::string_view bytes) {
  const std::size_t size = bytes.size();
  const char* from = bytes.data();
  const auto move_both_ends = [&]<class Word>(Word) {
    Word first;
    Word last;
    std::memcpy(&first, from, sizeof first);
    std::memcpy(&last, from + size - sizeof last, sizeof last);
    std::memcpy(to, &first, sizeof first);
    std::memcpy(to + size - sizeof last, &last, sizeof last);
  };
  if (size > 16) {
    std::memcpy(to, from, size);
  } else if (size >= 8) {
    move_both_ends(std::uint64_t{});
  } else if (size >= 4) {
    move_both_ends(std::uint32_t{});
  } else {
    for (std::size_t i = 0; i < size; ++i) to[i] = from[i];
  }
  return to + size;
}

/// Writes event_bytes(event) bytes and returns the end. REQUIRES: topic.size() <= max_topic_bytes, payload < 4 GiB.
[[gnu::always_inline]] inline char* write_event(char* to, const EventView& event) {
  if (event.topic.size() < 0x100) [[likely]] {
    *to++ = static_cast<char>(0xc4);
    *to++ = static_cast<char>(event.topic.size());
  } else {
    to = write_topic_head(to, event.topic.size());
  }
  to = write_bytes(to, event.topic);
  if (event.payload.size() < 0x100 && event.encoding == Encoding::raw) {
    *to++ = static_cast<char>(0xc4);
    *to++ = static_cast<char>(event.payload.size());
  } else {
    to = write_payload_head(to, event.payload.size(), event.encoding);
  }
  return write_bytes(to, event.payload);
}

/// Writes how many ordinals an event's origin is behind that of the event before. Returns the end.
char* write_step(char* to, std::uint32_t step);

/// Reads the events of one batch, front to back.
class EventReader {
 public:
  EventReader() = default;
  explicit EventReader(std::string_view events, bool has_steps = false)
      : at_(events.data()), end_(events.data() + events.size()), has_steps_(has_steps) {}

  /// The next event, as views into the batch. False at the end, and if what comes next is not an event.
  bool next(EventView& event) {
    const auto left = static_cast<std::size_t>(end_ - at_);
    if (left < 4 || !is(at_, 0xc4)) [[unlikely]] {
      return next_general(event);
    }
    const std::size_t topic = byte(at_ + 1);
    if (left < topic + 4) [[unlikely]] {
      return next_general(event);
    }
    const char* const head = at_ + 2 + topic;
    const std::size_t payload = byte(head + 1);
    if (!is(head, 0xc4) || left < topic + payload + 4) return next_wide(event, head);
    event = {{at_ + 2, topic}, {head + 2, payload}, Encoding::raw};
    at_ = head + 2 + payload;
    return !has_steps_ || read_step();
  }

  /// Of the event that next() gave, in a batch with an origin.
  std::uint32_t step() const { return step_; }
  std::string_view rest() const { return {at_, static_cast<std::size_t>(end_ - at_)}; }

 private:
  static bool is(const char* at, std::uint8_t code) { return static_cast<std::uint8_t>(*at) == code; }
  static std::size_t byte(const char* at) { return static_cast<std::uint8_t>(*at); }
  bool next_wide(EventView& event, const char* head);
  bool next_general(EventView& event);
  bool read_step();

  const char* at_ = nullptr;
  const char* end_ = nullptr;
  bool has_steps_ = false;
  std::uint32_t step_ = 0;
};

}  // namespace galena::core
