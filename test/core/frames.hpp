// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "galena/base/pack.hpp"
#include "galena/core/batch.hpp"
#include "galena/core/message.hpp"
#include "galena/core/parcel.hpp"

/// Frames put together and taken apart by hand, without the code that the library does it with where that is possible.
namespace galena::core::test {

/// A bound in bytes that is never met.
inline constexpr std::uint64_t plenty = 1 << 30;

struct Event {
  std::string topic;
  std::string payload;
  Encoding encoding = Encoding::raw;
  EventView view() const { return {topic, payload, encoding}; }
  friend bool operator==(const Event&, const Event&) = default;
};

struct Batch {
  BatchHeader header;
  std::vector<Event> events;
};

inline std::string bytes_of(std::initializer_list<int> values) {
  std::string out;
  for (int value : values) out.push_back(static_cast<char>(value));
  return out;
}

inline Event copy(const EventView& event) {
  return {std::string(event.topic), std::string(event.payload), event.encoding};
}

/// As Galena writes it.
inline std::string batch(std::uint64_t from, std::uint64_t upto, const std::vector<Event>& events,
                         std::uint16_t flags = 0) {
  std::size_t size = batch_header_bytes;
  for (const Event& event : events) size += event_bytes(event.view());
  std::string out(size, '\0');
  write_batch_header(out.data(), {static_cast<std::uint32_t>(size - batch_header_bytes),
                                  static_cast<std::uint32_t>(events.size()), from, upto, flags});
  char* to = out.data() + batch_header_bytes;
  for (const Event& event : events) to = write_event(to, event.view());
  REQUIRE(to == out.data() + out.size());
  return out;
}

/// As a peer in another language would: everything as short as it can be, topics as str.
inline std::string tight_batch(std::uint64_t from, std::uint64_t upto, const std::vector<Event>& events,
                               std::uint16_t flags = 0) {
  PackWriter body;
  for (const Event& event : events) body.str(event.topic).bin(event.payload);
  PackWriter header;
  header.array(5).uint(body.bytes().size()).uint(events.size()).uint(from).uint(upto).uint(flags);
  return header.take() + body.take();
}

/// All batches of a frame; empty unless it is a run of well-formed ones.
inline std::optional<std::vector<Batch>> read_batches(std::string_view frame) {
  std::vector<Batch> batches;
  while (!frame.empty()) {
    const auto header = read_batch_header(frame);
    if (!header) return std::nullopt;
    Batch batch{*header, {}};
    EventReader reader(frame.substr(0, header->bytes), static_cast<bool>(header->origin));
    for (EventView event; reader.next(event);) batch.events.push_back(copy(event));
    if (!reader.rest().empty() || batch.events.size() != header->count) return std::nullopt;
    frame.remove_prefix(header->bytes);
    batches.push_back(std::move(batch));
  }
  return batches;
}

/// The message in a frame, which must be one of this kind.
template <class Kind>
Kind expect(std::string_view frame) {
  const auto message = decode(frame);
  REQUIRE(message.has_value());
  REQUIRE(std::holds_alternative<Kind>(*message));
  return std::get<Kind>(*message);
}

/// An Id that is easy to tell from others.
inline Id id(std::uint8_t number) {
  Id id;
  id.bytes.fill(number);
  return id;
}

inline Time at(long long ms) { return Time{} + std::chrono::milliseconds(ms); }

inline Selection topics(std::initializer_list<std::string> names) {
  std::vector<Topic> patterns;
  for (const std::string& name : names) patterns.push_back({false, name});
  return Selection(std::move(patterns));
}

inline Selection prefixes(std::initializer_list<std::string> starts) {
  std::vector<Topic> patterns;
  for (const std::string& start : starts) patterns.push_back({true, start});
  return Selection(std::move(patterns));
}

inline bool selects(const Selection& selection, std::string_view topic) {
  if (selection.everything()) return true;
  for (const Topic& pattern : selection.patterns()) {
    if (pattern.matches(topic)) return true;
  }
  return false;
}

}  // namespace galena::core::test

namespace doctest {
template <>
struct StringMaker<std::vector<std::string>> {
  static String convert(const std::vector<std::string>& lines) {
    std::string text = "{";
    for (const std::string& line : lines) text += (text.size() > 1 ? ", \"" : "\"") + line + "\"";
    return (text + "}").c_str();
  }
};
}  // namespace doctest
