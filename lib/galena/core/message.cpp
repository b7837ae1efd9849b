// SPDX-License-Identifier: Apache-2.0
#include "galena/core/message.hpp"

#include <algorithm>

#include "galena/base/pack.hpp"

namespace galena::core {
namespace {

std::uint64_t whole_ms(Duration duration) {
  return static_cast<std::uint64_t>(std::max<long long>(0, in_milliseconds(duration)));
}

PackWriter start(std::string_view verb, std::uint32_t arguments) {
  PackWriter writer;
  writer.array(arguments + 1).str(verb);
  return writer;
}

/// Both keys come first, so that a reader of any version finds them before what it may not understand.
std::uint32_t version_keys(const Versions& versions) { return versions.newest > versions.oldest ? 2 : 1; }

PackWriter& write(PackWriter& writer, const Versions& versions) {
  writer.str("version").uint(versions.oldest);
  if (versions.newest > versions.oldest) writer.str("newest").uint(versions.newest);
  return writer;
}

}  // namespace

std::string encode(const Subscribe& message) {
  PackWriter writer = start("subscribe", 1);
  const int optional_keys = (message.resume ? 1 : 0) + (message.identity.empty() ? 0 : 1) +
                            (message.consumer_stage ? 1 : 0) + (message.largest_event == no_largest_event ? 0 : 1);
  writer.map(7 + version_keys(message.versions) + static_cast<std::uint32_t>(optional_keys));
  write(writer, message.versions).str("stage").id(message.stage);
  writer.str("subscription").id(message.subscription).str("epoch").uint(message.epoch);
  writer.str("consumer").str(message.consumer);
  writer.str("topics").array(static_cast<std::uint32_t>(message.selection.patterns().size()));
  for (const Topic& pattern : message.selection.patterns()) {
    writer.array(2).str(pattern.is_prefix ? prefix_kind : exact_kind).bin(pattern.text);
  }
  writer.str("credit").array(2).uint(message.credit.events).uint(message.credit.bytes);
  writer.str("silence").uint(whole_ms(message.silence));
  if (!message.identity.empty()) writer.str("identity").str(message.identity);
  if (message.consumer_stage) writer.str("consumer_stage").id(message.consumer_stage);
  if (message.largest_event != no_largest_event) writer.str("largest_event").uint(message.largest_event);
  if (const auto& resume = message.resume) {
    writer.str("resume").array(3).id(resume->stream).uint(resume->from).uint(resume->events);
  }
  return writer.take();
}

std::string encode(const Accept& message) {
  PackWriter writer = start("accept", 1);
  const Place& place = message.place;
  writer.map(5 + (place.events > 0 ? 1 : 0) + (message.repeated ? 1 : 0));
  writer.str("version").uint(message.version).str("stage").id(message.stage);
  writer.str("stream").id(place.stream).str("from").uint(place.from);
  writer.str("silence").uint(whole_ms(message.silence));
  if (place.events > 0) writer.str("events").uint(place.events);
  if (const auto& below = message.repeated) writer.str("repeated").array(2).uint(below->from).uint(below->events);
  return writer.take();
}

std::string encode(const Grant& message) {
  return start("grant", 3).uint(message.acknowledged).uint(message.limit.events).uint(message.limit.bytes).take();
}

std::string encode(const Gap& message) {
  PackWriter writer = start("gap", 4);
  writer.uint(message.from).uint(message.upto);
  if (message.count) {
    writer.uint(*message.count);
  } else {
    writer.nil();
  }
  return writer.str(message.reason).take();
}

std::string encode(const Mark& message) { return start("mark", 1).uint(message.upto).take(); }
std::string encode(const Draining& message) { return start("draining", 1).uint(message.upto).take(); }
std::string encode(const End& message) { return start("end", 1).uint(message.upto).take(); }

std::string encode(const Cancel& message) {
  PackWriter writer = start("cancel", message.epoch > 0 ? 3 : 2);
  writer.str(message.reason).str(message.detail);
  if (message.epoch > 0) writer.uint(message.epoch);
  return writer.take();
}

std::string encode(const Offer& message) {
  PackWriter writer = start("offer", 1);
  writer.map(5 + version_keys(message.versions));
  write(writer, message.versions).str("stage").id(message.stage);
  writer.str("publisher").id(message.publisher).str("stream").id(message.stream);
  writer.str("values").boolean(message.values).str("silence").uint(whole_ms(message.silence));
  return writer.take();
}

std::string encode(const Refuse& message) { return start("refuse", 2).uint(message.number).str(message.detail).take(); }

std::string encode(const Inquire& message) {
  PackWriter writer = start("inquire", 1);
  writer.map(version_keys(message.versions));
  return write(writer, message.versions).take();
}

std::uint64_t selected_bytes(const Selection& selection) {
  std::uint64_t bytes = 0;
  for (const Topic& pattern : selection.patterns()) bytes += pattern.text.size();
  return bytes;
}

}  // namespace galena::core
