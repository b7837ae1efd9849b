// SPDX-License-Identifier: Apache-2.0
#include "galena/core/message.hpp"

#include <algorithm>
#include <iterator>

#include "galena/base/pack.hpp"
#include "galena/core/batch.hpp"

namespace galena::core {
namespace {

constexpr std::string_view exact = "exact";
constexpr std::string_view prefix = "prefix";

std::uint64_t whole_ms(Duration duration) {
  return static_cast<std::uint64_t>(std::max<long long>(0, in_milliseconds(duration)));
}

/// Reads one field of a map into `field`; false if it is of another type.
bool read(PackReader& reader, Id& field) {
  const auto id = reader.id();
  if (id) field = *id;
  return id.has_value();
}

bool read(PackReader& reader, std::uint64_t& field) {
  const auto value = reader.uint();
  if (value) field = *value;
  return value.has_value();
}

bool read(PackReader& reader, std::string& field) {
  const auto text = reader.text();
  if (text) field = *text;
  return text.has_value();
}

bool read(PackReader& reader, bool& field) {
  const auto value = reader.boolean();
  if (value) field = *value;
  return value.has_value();
}

bool read(PackReader& reader, Duration& field) {
  constexpr std::uint64_t longest = 24 * 3600 * 1000;
  const auto value = reader.uint();
  if (value) field = std::chrono::milliseconds(std::min(*value, longest));
  return value.has_value();
}

bool read(PackReader& reader, Credit& field) {
  return reader.array() == 2U && read(reader, field.events) && read(reader, field.bytes);
}

/// [stream, from, events]
bool read_place(PackReader& reader, std::optional<Place>& field) {
  Place& place = field.emplace();
  return reader.array() == 3U && read(reader, place.stream) && read(reader, place.from) && read(reader, place.events);
}

/// [from, events], of a stream that another field names
bool read_place_in_stream(PackReader& reader, std::optional<Place>& field) {
  Place& place = field.emplace();
  return reader.array() == 2U && read(reader, place.from) && read(reader, place.events);
}

bool read(PackReader& reader, Selection& field) {
  const auto size = reader.array();
  if (!size) return false;
  std::vector<Topic> patterns;
  for (std::uint32_t i = 0; i < *size; ++i) {
    if (reader.array() != 2U) return false;
    const auto kind = reader.str();
    const auto text = reader.text();
    if (!kind || !text || text->size() > max_topic_bytes || (*kind != exact && *kind != prefix)) return false;
    patterns.push_back({*kind == prefix, std::string(*text)});
  }
  field = Selection(std::move(patterns));
  return true;
}

/// Calls `field(key)`, which reads the value and answers whether it could, or skips an unknown one.
template <class Field>
bool read_map(PackReader& reader, Field field) {
  const auto size = reader.map();
  if (!size) return false;
  for (std::uint32_t i = 0; i < *size; ++i) {
    const auto key = reader.str();
    if (!key || !field(*key)) return false;
  }
  return true;
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

/// What the map says, of which nothing else is looked at. Empty if it says nothing.
std::optional<Versions> read_versions(PackReader reader) {
  std::optional<std::uint64_t> oldest;
  std::uint64_t newest = 0;
  const bool good = read_map(reader, [&](std::string_view key) {
    if (key == "newest") return read(reader, newest);
    if (key != "version") return reader.skip();
    oldest = reader.uint();
    return oldest.has_value();
  });
  if (!good || !oldest) return std::nullopt;
  return Versions{*oldest, std::max(*oldest, newest)};
}

std::optional<Message> decode_subscribe(PackReader& reader) {
  Subscribe message;
  const bool good = read_map(reader, [&](std::string_view key) {
    if (key == "stage") return read(reader, message.stage);
    if (key == "subscription") return read(reader, message.subscription);
    if (key == "identity") return read(reader, message.identity);
    if (key == "consumer") return read(reader, message.consumer);
    if (key == "consumer_stage") return read(reader, message.consumer_stage);
    if (key == "epoch") return read(reader, message.epoch);
    if (key == "topics") return read(reader, message.selection);
    if (key == "credit") return read(reader, message.credit);
    if (key == "resume") return read_place(reader, message.resume);
    if (key == "silence") return read(reader, message.silence);
    return reader.skip();
  });
  if (!good) return std::nullopt;
  if (message.identity.size() > max_name_bytes || message.consumer.size() > max_name_bytes) return std::nullopt;
  return message;
}

std::optional<Message> decode_accept(PackReader& reader) {
  Accept message;
  const bool good = read_map(reader, [&](std::string_view key) {
    if (key == "stage") return read(reader, message.stage);
    if (key == "stream") return read(reader, message.place.stream);
    if (key == "from") return read(reader, message.place.from);
    if (key == "events") return read(reader, message.place.events);
    if (key == "repeated") return read_place_in_stream(reader, message.repeated);
    if (key == "silence") return read(reader, message.silence);
    return reader.skip();
  });
  if (!good || !message.place.stream) return std::nullopt;
  if (message.repeated) message.repeated->stream = message.place.stream;
  return message;
}

std::optional<Message> decode_offer(PackReader& reader) {
  Offer message;
  const bool good = read_map(reader, [&](std::string_view key) {
    if (key == "stage") return read(reader, message.stage);
    if (key == "publisher") return read(reader, message.publisher);
    if (key == "stream") return read(reader, message.stream);
    if (key == "values") return read(reader, message.values);
    if (key == "silence") return read(reader, message.silence);
    return reader.skip();
  });
  if (!good || !message.stream) return std::nullopt;
  return message;
}

std::optional<Message> decode_grant(PackReader& reader) {
  Grant message;
  if (!read(reader, message.acknowledged) || !read(reader, message.limit.events)) return std::nullopt;
  if (!read(reader, message.limit.bytes)) return std::nullopt;
  return message;
}

std::optional<Message> decode_gap(PackReader& reader) {
  Gap message;
  if (!read(reader, message.from) || !read(reader, message.upto) || message.upto < message.from) return std::nullopt;
  if (!reader.nil()) {
    message.count = reader.uint();
    if (!message.count || *message.count > message.upto - message.from) return std::nullopt;
  }
  if (!read(reader, message.reason)) return std::nullopt;
  return message;
}

std::optional<Message> decode_mark(PackReader& reader) {
  Mark message;
  if (!read(reader, message.upto)) return std::nullopt;
  return message;
}

std::optional<Message> decode_draining(PackReader& reader) {
  Draining message;
  if (!read(reader, message.upto)) return std::nullopt;
  return message;
}

std::optional<Message> decode_end(PackReader& reader) {
  End message;
  if (!read(reader, message.upto)) return std::nullopt;
  return message;
}

std::optional<Message> decode_cancel(PackReader& reader) {
  Cancel message;
  if (!read(reader, message.reason) || !read(reader, message.detail)) return std::nullopt;
  return message;
}

std::optional<Message> decode_refuse(PackReader& reader) {
  Refuse message;
  if (!read(reader, message.number) || !read(reader, message.detail)) return std::nullopt;
  return message;
}

std::optional<Message> decode_inquire(PackReader&) { return Inquire{}; }

constexpr struct Verb {
  std::string_view name;
  std::uint32_t arguments;
  std::optional<Message> (*decode)(PackReader&);
  bool versioned = false;  // its first argument is a map that tells versions
} verbs[] = {
    {"subscribe", 1, decode_subscribe, true},
    {"accept", 1, decode_accept, true},
    {"offer", 1, decode_offer, true},
    {"inquire", 0, decode_inquire, true},
    {"grant", 3, decode_grant},
    {"gap", 4, decode_gap},
    {"mark", 1, decode_mark},
    {"end", 1, decode_end},
    {"cancel", 2, decode_cancel},
    {"refuse", 2, decode_refuse},
    {"draining", 1, decode_draining},
};

void set_versions(Message& message, const Versions& versions) {
  const auto set = [&](auto& each) {
    if constexpr (requires { each.versions; }) each.versions = versions;
    if constexpr (requires { each.version; }) each.version = versions.oldest;
  };
  std::visit(set, message);
}

}  // namespace

std::string encode(const Subscribe& message) {
  PackWriter writer = start("subscribe", 1);
  const int optional_keys =
      (message.resume ? 1 : 0) + (message.identity.empty() ? 0 : 1) + (message.consumer_stage ? 1 : 0);
  writer.map(7 + version_keys(message.versions) + static_cast<std::uint32_t>(optional_keys));
  write(writer, message.versions).str("stage").id(message.stage);
  writer.str("subscription").id(message.subscription).str("epoch").uint(message.epoch);
  writer.str("consumer").str(message.consumer);
  writer.str("topics").array(static_cast<std::uint32_t>(message.selection.patterns().size()));
  for (const Topic& pattern : message.selection.patterns()) {
    writer.array(2).str(pattern.is_prefix ? prefix : exact).bin(pattern.text);
  }
  writer.str("credit").array(2).uint(message.credit.events).uint(message.credit.bytes);
  writer.str("silence").uint(whole_ms(message.silence));
  if (!message.identity.empty()) writer.str("identity").str(message.identity);
  if (message.consumer_stage) writer.str("consumer_stage").id(message.consumer_stage);
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

std::optional<Message> decode(std::string_view frame) {
  if (frame.size() > max_message_bytes) return std::nullopt;
  PackReader reader(frame);
  const auto size = reader.array();
  const auto name = reader.str();
  if (!size || !name) return std::nullopt;
  const auto* verb =
      std::find_if(std::begin(verbs), std::end(verbs), [&](const Verb& each) { return each.name == *name; });
  if (verb == std::end(verbs) || *size <= verb->arguments) return std::nullopt;
  std::optional<Versions> versions;
  if (verb->versioned && *size > 1) {
    versions = read_versions(reader);
    if (!versions) return std::nullopt;
    if (!spoken_versions.common(*versions)) return OtherVersion{*versions};
  }
  auto message = verb->decode(reader);
  if (message && versions) set_versions(*message, *versions);
  std::uint32_t more = verb->arguments + 1;
  auto* const cancel = message && more < *size ? std::get_if<Cancel>(&*message) : nullptr;
  if (cancel != nullptr) {
    if (!read(reader, cancel->epoch)) return std::nullopt;
    ++more;
  }
  for (; more < *size; ++more) {  // later versions may add arguments
    if (!reader.skip()) return std::nullopt;
  }
  return reader.at_end() ? message : std::nullopt;
}

}  // namespace galena::core
