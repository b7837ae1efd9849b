// SPDX-License-Identifier: Apache-2.0
#include "galena/core/batch.hpp"

#include <algorithm>
#include <limits>

#include "galena/base/pack.hpp"

namespace galena::core {
namespace {

constexpr std::uint64_t max32 = std::numeric_limits<std::uint32_t>::max();

char* put_big_endian(char* to, std::uint64_t value, int width) {
  for (int shift = (width - 1) * 8; shift >= 0; shift -= 8) *to++ = static_cast<char>(value >> shift);
  return to;
}

char* put(char* to, std::uint8_t code, std::uint64_t value, int width) {
  *to++ = static_cast<char>(code);
  return put_big_endian(to, value, width);
}

std::optional<Origin> read_origin(PackReader& reader) {
  const auto stream = reader.id();
  const auto from = reader.uint();
  const auto ordinal = reader.uint();
  const auto part = reader.uint();
  if (!stream || !*stream || !from || !ordinal || !part || *ordinal > max32 || *part > max32) return std::nullopt;
  return Origin{{*stream, *from, *ordinal}, *part};
}

}  // namespace

void write_batch_header(char* to, const BatchHeader& header) {
  *to++ = static_cast<char>((header.origin ? 0x99 : 0x95) + (header.first > 0 ? 1 : 0));
  to = put(to, 0xce, header.bytes, 4);
  to = put(to, 0xce, header.count, 4);
  to = put(to, 0xcf, header.from, 8);
  to = put(to, 0xcf, header.upto, 8);
  to = put(to, 0xcd, header.flags, 2);
  if (header.origin) {
    const auto& stream = header.origin.place.stream.bytes;
    to = put(to, 0xc4, stream.size(), 1);
    to = std::copy(stream.begin(), stream.end(), to);
    to = put(to, 0xcf, header.origin.place.from, 8);
    to = put(to, 0xce, header.origin.place.events, 4);
    to = put(to, 0xce, header.origin.part, 4);
  }
  if (header.first > 0) put(to, 0xce, header.first, 4);
}

char* write_step(char* to, std::uint32_t step) {
  if (step >= 0x80) return put(to, 0xce, step, 4);
  *to++ = static_cast<char>(step);
  return to;
}

std::optional<BatchHeader> read_batch_header(std::string_view& bytes) {
  PackReader reader(bytes);
  const auto items = reader.array();
  if (items != 5U && items != 6U && items != 9U && items != 10U) return std::nullopt;
  const auto size = reader.uint();
  const auto count = reader.uint();
  const auto from = reader.uint();
  const auto upto = reader.uint();
  const auto flags = reader.uint();
  if (!size || !count || !from || !upto || !flags) return std::nullopt;
  const auto origin = items >= 9U ? read_origin(reader) : Origin{};
  const auto first = items == 6U || items == 10U ? reader.uint() : 0;
  if (!origin || !first || *first > max32) return std::nullopt;
  // An event takes two bytes at least, and a position of its own.
  if (*size > reader.rest().size() || *count > *size / 2 || *from > *upto || *count > *upto - *from)
    return std::nullopt;
  if (*size > max32 || *flags > 0xffff) return std::nullopt;
  bytes = reader.rest();
  return BatchHeader{static_cast<std::uint32_t>(*size),
                     static_cast<std::uint32_t>(*count),
                     *from,
                     *upto,
                     static_cast<std::uint16_t>(*flags),
                     *origin,
                     static_cast<std::uint32_t>(*first)};
}

char* write_topic_head(char* to, std::size_t size) { return put(to, 0xc5, size, 2); }

char* write_payload_head(char* to, std::size_t size, Encoding encoding) {
  const int step = size < 0x100 ? 0 : size < 0x10000 ? 1 : 2;
  const int code = (encoding == Encoding::raw ? 0xc4 : 0xc7) + step;
  to = put(to, static_cast<std::uint8_t>(code), size, 1 << step);
  if (encoding == Encoding::msgpack) *to++ = static_cast<char>(msgpack_ext_type);
  return to;
}

/// A short topic, and behind it, at `head`, a long payload or one of MessagePack.
bool EventReader::next_wide(EventView& event, const char* head) {
  const unsigned kind = static_cast<std::uint8_t>(*head) - 0xc4U;  // bin 8, 16, 32, ext 8, 16, 32
  if (kind > 5) return next_general(event);
  const bool is_ext = kind >= 3;
  const std::size_t width = std::size_t{1} << (is_ext ? kind - 3 : kind);
  const std::size_t head_size = 1 + width + (is_ext ? 1 : 0);
  const auto left = static_cast<std::size_t>(end_ - head);
  if (left < head_size || (is_ext && !is(head + 1 + width, msgpack_ext_type))) return next_general(event);
  std::size_t size = 0;
  for (std::size_t i = 0; i < width; ++i) size = size << 8 | byte(head + 1 + i);
  if (left - head_size < size) return next_general(event);
  const char* const payload = head + head_size;
  event = {
      {at_ + 2, static_cast<std::size_t>(head - at_ - 2)}, {payload, size}, is_ext ? Encoding::msgpack : Encoding::raw};
  at_ = payload + size;
  return !has_steps_ || read_step();
}

/// Everything else: long topics, and what other languages make of events.
bool EventReader::next_general(EventView& event) {
  PackReader reader(rest());
  const auto topic = reader.text();
  if (!topic || topic->size() > max_topic_bytes) return false;
  if (const auto payload = reader.text()) {
    event = {*topic, *payload, Encoding::raw};
  } else if (const auto ext = reader.ext(); ext && ext->type == msgpack_ext_type) {
    event = {*topic, ext->body, Encoding::msgpack};
  } else {
    return false;
  }
  at_ = reader.rest().data();
  return !has_steps_ || read_step();
}

bool EventReader::read_step() {
  PackReader reader(rest());
  const auto step = reader.uint();
  if (!step || *step > max32) return false;
  step_ = static_cast<std::uint32_t>(*step);
  at_ = reader.rest().data();
  return true;
}

}  // namespace galena::core
