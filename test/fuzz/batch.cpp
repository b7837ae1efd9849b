// SPDX-License-Identifier: Apache-2.0
// Batches: headers and events that are read and written again read as the same, and the reader's fast paths find what
// the grammar says.
#include "galena/core/batch.hpp"

#include "claim.hpp"
#include "galena/base/pack.hpp"
#include "script.hpp"
#include "target.hpp"

namespace galena::fuzz {
namespace {

using core::BatchHeader;

void check_header(const BatchHeader& header) {
  claim(header.from <= header.upto, "a batch ends behind its begin");
  claim(header.count <= header.upto - header.from, "a batch has no more events than positions");
  claim(header.count <= header.bytes / 2, "each event takes two bytes at least");
  std::string written(core::header_bytes(header) + header.bytes, '\0');
  core::write_batch_header(written.data(), header);
  std::string_view rest = written;
  const auto again = core::read_batch_header(rest);
  claim(again == header, "a header that was written is read as the same");
  claim(rest.size() == header.bytes, "a header has as many bytes as header_bytes() says");
  claim(core::starts_with_batch(written), "a batch looks like one");
}

/// The grammar of an event, as PROTOCOL.md has it.
bool read_event(PackReader& reader, bool has_steps, EventView& event) {
  const auto topic = reader.text();
  if (!topic || topic->size() > core::max_topic_bytes) return false;
  event = {*topic, {}, Encoding::raw};
  if (const auto raw = reader.text()) {
    event.payload = *raw;
  } else if (const auto ext = reader.ext(); ext && ext->type == core::msgpack_ext_type) {
    event.payload = ext->body;
    event.encoding = Encoding::msgpack;
  } else {
    return false;
  }
  if (!has_steps) return true;
  const auto step = reader.uint();
  return step && *step <= 0xffffffff;
}

bool same(const EventView& one, const EventView& other) {
  return one.topic == other.topic && one.payload == other.payload && one.encoding == other.encoding;
}

void check_written(const EventView& event, bool has_steps, std::uint32_t step) {
  std::string written(core::event_bytes(event) + core::max_step_bytes, '\0');
  char* end = core::write_event(written.data(), event);
  claim(end == written.data() + core::event_bytes(event), "an event takes as many bytes as event_bytes() says");
  if (has_steps) end = core::write_step(end, step);
  written.resize(static_cast<std::size_t>(end - written.data()));
  core::EventReader reader(written, has_steps);
  EventView again;
  claim(reader.next(again) && reader.rest().empty(), "an event that was written is read");
  claim(same(event, again) && (!has_steps || reader.step() == step), "an event that was written is read as the same");
}

void check_events(std::string_view bytes, bool has_steps) {
  core::EventReader reader(bytes, has_steps);
  PackReader grammar(bytes);
  for (;;) {
    EventView event;
    EventView expected;
    const bool read = reader.next(event);
    claim(read == read_event(grammar, has_steps, expected), "the reader and the grammar agree on what is an event");
    if (!read) return;
    claim(same(event, expected), "the reader and the grammar agree on the event");
    claim(reader.rest().data() == grammar.rest().data(), "the reader and the grammar agree on where the event ends");
    check_written(event, has_steps, reader.step());
  }
}

}  // namespace

void run(std::string_view bytes) {
  std::string_view rest = bytes;
  while (!rest.empty()) {
    const std::string_view before = rest;
    const auto header = core::read_batch_header(rest);
    if (!header) {
      claim(rest.data() == before.data() && rest.size() == before.size(), "what is no header is not touched");
      break;
    }
    claim(core::starts_with_batch(before), "a batch looks like one");
    claim(header->bytes <= rest.size(), "a batch lies within its frame");
    check_header(*header);
    check_events(view(exact(rest.substr(0, header->bytes))), static_cast<bool>(header->origin));
    rest.remove_prefix(header->bytes);
  }
  check_events(rest, false);
  check_events(rest, true);
}

}  // namespace galena::fuzz
