// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "claim.hpp"
#include "galena/core/batch.hpp"
#include "galena/core/message.hpp"
#include "galena/core/parcel.hpp"
#include "script.hpp"

/// What peers of a stage send, made as a script says; and what a stage sends, looked at.
namespace galena::fuzz {

/// A topic of a few, so that selections and events meet; or any.
inline std::string any_topic(Script& script) {
  static const char* const some[] = {"a", "b", "bb", "ba", ""};
  const std::size_t which = script.below(6);
  return which < 5 ? std::string(some[which]) : std::string(script.text());
}

inline Selection any_selection(Script& script) {
  std::vector<Topic> topics;
  for (std::size_t count = script.below(4); count > 0; --count) {
    const bool is_prefix = script.flag();
    topics.push_back({is_prefix, any_topic(script)});
  }
  return Selection(std::move(topics));
}

inline core::Place any_place(Script& script) {
  core::Place place;
  place.stream = script.id();
  place.from = script.number();
  place.events = script.number();
  return place;
}

inline core::Subscribe any_subscribe(Script& script) {
  core::Subscribe wish;
  wish.stage = script.below(4) == 0 ? script.id() : Id{};
  wish.subscription = script.id();
  wish.epoch = script.number();
  wish.selection = any_selection(script);
  wish.credit.events = script.number();
  wish.credit.bytes = script.number();
  const std::uint8_t parts = script.byte();
  if ((parts & 1U) != 0) wish.silence = script.duration();
  if ((parts & 2U) != 0) wish.identity = (parts & 4U) != 0 ? "i" : "j";
  if ((parts & 8U) != 0) wish.resume = any_place(script);
  if ((parts & 16U) != 0) wish.consumer_stage = script.id();
  if ((parts & 32U) != 0) wish.consumer = script.text();
  return wish;
}

inline core::Accept any_accept(Script& script) {
  core::Accept message;
  message.stage = script.id();
  message.place = any_place(script);
  const std::uint8_t parts = script.byte();
  if ((parts & 1U) != 0) message.silence = script.duration();
  if ((parts & 2U) != 0) {
    message.repeated = any_place(script);
    message.repeated->stream = message.place.stream;
  }
  return message;
}

inline Gap any_gap(Script& script) {
  Gap gap;
  gap.from = script.number();
  gap.upto = std::max(gap.from, script.number());
  if (script.flag()) gap.count = std::min(script.number(), gap.upto - gap.from);
  gap.reason = core::reason::full;
  return gap;
}

/// A run of batches from about `position` on. What the script says of one batch may not fit together.
inline std::string any_batches(Script& script, std::uint64_t position) {
  std::string frame;
  for (std::size_t batches = 1 + script.below(3); batches > 0; --batches) {
    core::BatchHeader header;
    const std::uint8_t parts = script.byte();
    header.from = (parts & 1U) != 0 ? script.number() : position;
    if ((parts & 2U) != 0) header.first = script.number32();
    if ((parts & 4U) != 0) {
      header.origin.place = any_place(script);
      header.origin.place.events = static_cast<std::uint32_t>(header.origin.place.events);
      header.origin.part = script.number32();
    }
    header.flags = (parts & 8U) != 0 ? static_cast<std::uint16_t>(script.number()) : 0;
    std::string events;
    for (std::size_t left = header.count = static_cast<std::uint32_t>(script.below(6)); left > 0; --left) {
      const std::string topic = any_topic(script);
      const std::string payload(script.number32() % 2000, 'p');
      const EventView event{topic, payload, script.flag() ? Encoding::msgpack : Encoding::raw};
      std::string bytes(core::event_bytes(event) + core::max_step_bytes, '\0');
      char* end = core::write_event(bytes.data(), event);
      if (header.origin) end = core::write_step(end, script.number32());
      events.append(bytes.data(), end);
    }
    header.upto = header.from + ((parts & 16U) != 0 ? script.number() : header.count);
    if ((parts & 32U) != 0) header.count = script.number32();
    header.bytes = static_cast<std::uint32_t>(events.size());
    std::string head(core::header_bytes(header), '\0');
    core::write_batch_header(head.data(), header);
    frame += head + events;
    position = header.upto;
  }
  return frame;
}

/// Any message of either side.
inline std::string any_message(Script& script) {
  switch (script.below(11)) {
    case 0:
      return core::encode(any_subscribe(script));
    case 1:
      return core::encode(any_accept(script));
    case 2: {
      core::Grant grant;
      grant.acknowledged = script.number();
      grant.limit.events = script.number();
      grant.limit.bytes = script.number();
      return core::encode(grant);
    }
    case 3:
      return core::encode(any_gap(script));
    case 4:
      return core::encode(core::Mark{script.number()});
    case 5:
      return core::encode(core::Draining{script.number()});
    case 6:
      return core::encode(core::End{script.number()});
    case 7: {
      core::Cancel cancel;
      cancel.reason = script.flag() ? std::string(core::reason::away) : std::string(script.text());
      cancel.epoch = script.number();
      return core::encode(cancel);
    }
    case 8: {
      core::Offer offer;
      offer.stage = script.id();
      offer.stream = script.id();
      offer.values = script.flag();
      return core::encode(offer);
    }
    case 9:
      return core::encode(core::Refuse{script.number(), std::string(script.text())});
    default: {
      core::Inquire inquire;
      inquire.versions.oldest = script.number();
      inquire.versions.newest = script.number();
      return core::encode(inquire);
    }
  }
}

/// Every message and every batch of the frame can be read.
inline void check_readable(std::string_view frame) {
  if (!core::starts_with_batch(frame)) {
    return claim(core::decode(frame).has_value(), "a control message that a stage sends can be read");
  }
  while (!frame.empty()) {
    const auto header = core::read_batch_header(frame);
    claim(header.has_value(), "a batch that a stage sends has a header");
    core::EventReader reader(frame.substr(0, header->bytes), static_cast<bool>(header->origin));
    std::uint32_t count = 0;
    for (EventView event; reader.next(event);) ++count;
    claim(count == header->count && reader.rest().empty(), "a batch that a stage sends has the events that it tells");
    frame.remove_prefix(header->bytes);
  }
}

}  // namespace galena::fuzz
