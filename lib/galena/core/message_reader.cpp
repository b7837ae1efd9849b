// SPDX-License-Identifier: Apache-2.0
// Reads control messages, which come from peers that may send anything.
#include <algorithm>
#include <iterator>
#include <utility>

#include "galena/base/pack.hpp"
#include "galena/core/batch.hpp"
#include "galena/core/message.hpp"

namespace galena::core {
namespace {

/// Reads a value into `to`; false if it is of another type. What it is to be, in words, stands beside each.
bool read(PackReader& reader, Id& to) {
  const auto id = reader.id();
  if (id) to = *id;
  return id.has_value();
}
constexpr std::string_view name_of(const Id&) { return "16 bytes"; }

bool read(PackReader& reader, std::uint64_t& to) {
  const auto value = reader.uint();
  if (value) to = *value;
  return value.has_value();
}
constexpr std::string_view name_of(std::uint64_t) { return "an unsigned integer"; }

bool read(PackReader& reader, std::string& to) {
  const auto text = reader.text();
  if (text) to = *text;
  return text.has_value();
}
constexpr std::string_view name_of(const std::string&) { return "a text"; }

bool read(PackReader& reader, bool& to) {
  const auto value = reader.boolean();
  if (value) to = *value;
  return value.has_value();
}
constexpr std::string_view name_of(bool) { return "a boolean"; }

bool read(PackReader& reader, Duration& to) {
  constexpr std::uint64_t longest = 24 * 3600 * 1000;
  const auto value = reader.uint();
  if (value) to = std::chrono::milliseconds(std::min(*value, longest));
  return value.has_value();
}
constexpr std::string_view name_of(Duration) { return "a number of milliseconds"; }

bool read(PackReader& reader, Credit& to) {
  return reader.array() == 2U && read(reader, to.events) && read(reader, to.bytes);
}
constexpr std::string_view name_of(const Credit&) { return "[events, bytes]"; }

bool read(PackReader& reader, std::optional<Place>& to) {
  Place& place = to.emplace();
  return reader.array() == 3U && read(reader, place.stream) && read(reader, place.from) && read(reader, place.events);
}
constexpr std::string_view name_of(const std::optional<Place>&) { return "[stream, from, events]"; }

/// A place in a stream that another field names.
struct InStream {
  std::optional<Place>& place;
};

bool read(PackReader& reader, const InStream& to) {
  Place& place = to.place.emplace();
  return reader.array() == 2U && read(reader, place.from) && read(reader, place.events);
}
constexpr std::string_view name_of(const InStream&) { return "[from, events]"; }

bool read(PackReader& reader, Selection& to) {
  const auto size = reader.array();
  if (!size) return false;
  std::vector<Topic> patterns;
  for (std::uint32_t i = 0; i < *size; ++i) {
    if (reader.array() != 2U) return false;
    const auto kind = reader.str();
    const auto text = reader.text();
    if (!kind || !text || text->size() > max_topic_bytes || (*kind != exact_kind && *kind != prefix_kind)) return false;
    patterns.push_back({*kind == prefix_kind, std::string(*text)});
  }
  to = Selection(std::move(patterns));
  return true;
}
constexpr std::string_view name_of(const Selection&) {
  return R"(an array of ["exact" or "prefix", topic of at most 65535 bytes])";
}

/// Why a message cannot be read. Views of constants and of the frame: it costs nothing while all is well.
struct Problem {
  std::string_view verb = {};
  std::string_view key = {};  ///< of the entry at fault, if it is one
  std::string_view text = {};

  std::string str() const {
    std::string text_of_all;
    if (!verb.empty()) text_of_all = "in '" + std::string(verb) + "', ";
    if (!key.empty()) text_of_all += "'" + std::string(key) + "' is not ";
    return text_of_all + std::string(text);
  }
};

/// One entry of a map. Whoever takes it calls read_into() or skip(), once.
class Field {
 public:
  Field(PackReader& reader, std::string_view key) : reader_(reader), key_(key) {}
  bool is(std::string_view key) const { return key_ == key; }
  template <class T>
  bool read_into(T&& to) {
    expected_ = name_of(to);
    return read(reader_, to);
  }
  bool skip() {
    expected_ = "MessagePack";
    return reader_.skip();
  }
  std::string_view key() const { return key_; }
  std::string_view expected() const { return expected_; }

 private:
  PackReader& reader_;
  std::string_view key_;
  std::string_view expected_;
};

/// Calls `take(field)` for each entry of the map; it answers whether it could read the value.
template <class Take>
bool read_map(PackReader& reader, Problem& problem, Take take) {
  const auto size = reader.map();
  if (!size) return false;
  for (std::uint32_t i = 0; i < *size; ++i) {
    const auto key = reader.str();
    if (!key) return false;
    Field field(reader, *key);
    if (take(field)) continue;
    problem.key = field.key();
    problem.text = field.expected();
    return false;
  }
  return true;
}

/// What the map says, of which nothing else is looked at. Empty if it says nothing.
std::optional<Versions> read_versions(PackReader reader, Problem& problem) {
  std::optional<std::uint64_t> oldest;
  std::uint64_t newest = 0;
  const bool good = read_map(reader, problem, [&](Field& field) {
    if (field.is("newest")) return field.read_into(newest);
    if (field.is("version")) return field.read_into(oldest.emplace());
    return field.skip();
  });
  if (!good) return std::nullopt;
  if (!oldest) problem.text = "there is no 'version'";
  return oldest ? std::optional(Versions{*oldest, std::max(*oldest, newest)}) : std::nullopt;
}

std::optional<Message> decode_subscribe(PackReader& reader, Problem& problem) {
  Subscribe message;
  const bool good = read_map(reader, problem, [&](Field& field) {
    if (field.is("stage")) return field.read_into(message.stage);
    if (field.is("subscription")) return field.read_into(message.subscription);
    if (field.is("identity")) return field.read_into(message.identity);
    if (field.is("consumer")) return field.read_into(message.consumer);
    if (field.is("consumer_stage")) return field.read_into(message.consumer_stage);
    if (field.is("epoch")) return field.read_into(message.epoch);
    if (field.is("topics")) return field.read_into(message.selection);
    if (field.is("credit")) return field.read_into(message.credit);
    if (field.is("resume")) return field.read_into(message.resume);
    if (field.is("silence")) return field.read_into(message.silence);
    if (field.is("largest_event")) return field.read_into(message.largest_event);
    return field.skip();
  });
  if (!good) return std::nullopt;
  if (message.identity.size() <= max_name_bytes && message.consumer.size() <= max_name_bytes) return message;
  problem.text = "'identity' or 'consumer' has more than 255 bytes";
  return std::nullopt;
}

std::optional<Message> decode_accept(PackReader& reader, Problem& problem) {
  Accept message;
  const bool good = read_map(reader, problem, [&](Field& field) {
    if (field.is("stage")) return field.read_into(message.stage);
    if (field.is("stream")) return field.read_into(message.place.stream);
    if (field.is("from")) return field.read_into(message.place.from);
    if (field.is("events")) return field.read_into(message.place.events);
    if (field.is("repeated")) return field.read_into(InStream{message.repeated});
    if (field.is("silence")) return field.read_into(message.silence);
    return field.skip();
  });
  if (!good) return std::nullopt;
  if (message.repeated) message.repeated->stream = message.place.stream;
  if (message.place.stream) return message;
  problem.text = "there is no 'stream'";
  return std::nullopt;
}

std::optional<Message> decode_offer(PackReader& reader, Problem& problem) {
  Offer message;
  const bool good = read_map(reader, problem, [&](Field& field) {
    if (field.is("stage")) return field.read_into(message.stage);
    if (field.is("publisher")) return field.read_into(message.publisher);
    if (field.is("stream")) return field.read_into(message.stream);
    if (field.is("values")) return field.read_into(message.values);
    if (field.is("silence")) return field.read_into(message.silence);
    return field.skip();
  });
  if (!good) return std::nullopt;
  if (message.stream) return message;
  problem.text = "there is no 'stream'";
  return std::nullopt;
}

std::optional<Message> decode_grant(PackReader& reader, Problem&) {
  Grant message;
  if (!read(reader, message.acknowledged) || !read(reader, message.limit.events)) return std::nullopt;
  if (!read(reader, message.limit.bytes)) return std::nullopt;
  return message;
}

std::optional<Message> decode_gap(PackReader& reader, Problem&) {
  Gap message;
  if (!read(reader, message.from) || !read(reader, message.upto) || message.upto < message.from) return std::nullopt;
  if (!reader.nil()) {
    message.count = reader.uint();
    if (!message.count || *message.count > message.upto - message.from) return std::nullopt;
  }
  if (!read(reader, message.reason)) return std::nullopt;
  return message;
}

std::optional<Message> decode_mark(PackReader& reader, Problem&) {
  Mark message;
  if (!read(reader, message.upto)) return std::nullopt;
  return message;
}

std::optional<Message> decode_draining(PackReader& reader, Problem&) {
  Draining message;
  if (!read(reader, message.upto)) return std::nullopt;
  return message;
}

std::optional<Message> decode_end(PackReader& reader, Problem&) {
  End message;
  if (!read(reader, message.upto)) return std::nullopt;
  return message;
}

std::optional<Message> decode_cancel(PackReader& reader, Problem&) {
  Cancel message;
  if (!read(reader, message.reason) || !read(reader, message.detail)) return std::nullopt;
  return message;
}

std::optional<Message> decode_refuse(PackReader& reader, Problem&) {
  Refuse message;
  if (!read(reader, message.number) || !read(reader, message.detail)) return std::nullopt;
  return message;
}

std::optional<Message> decode_inquire(PackReader&, Problem&) { return Inquire{}; }

constexpr struct Verb {
  std::string_view name;
  std::uint32_t arguments;
  std::optional<Message> (*decode)(PackReader&, Problem&);
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

std::optional<Message> decode(std::string_view frame, Problem& problem) {
  problem.text = "it has more than 4 MiB";
  static_assert(max_message_bytes == 4 << 20);
  if (frame.size() > max_message_bytes) return std::nullopt;
  problem.text = "it is no array that begins with a verb of this protocol";
  PackReader reader(frame);
  const auto size = reader.array();
  const auto name = reader.str();
  if (!size || !name) return std::nullopt;
  const auto* verb =
      std::find_if(std::begin(verbs), std::end(verbs), [&](const Verb& each) { return each.name == *name; });
  if (verb == std::end(verbs)) return std::nullopt;
  problem = {.verb = verb->name, .text = "the arguments are not those of this verb"};
  if (*size <= verb->arguments) return std::nullopt;
  std::optional<Versions> versions;
  if (verb->versioned && *size > 1) {
    versions = read_versions(reader, problem);
    if (!versions) return std::nullopt;
    if (!spoken_versions.common(*versions)) return OtherVersion{*versions};
  }
  auto message = verb->decode(reader, problem);
  if (message && versions) set_versions(*message, *versions);
  std::uint32_t more = verb->arguments + 1;
  auto* const cancel = message && more < *size ? std::get_if<Cancel>(&*message) : nullptr;
  if (cancel != nullptr) {
    if (!read(reader, cancel->epoch)) return std::nullopt;
    ++more;
  }
  for (; message && more < *size; ++more) {  // later versions may add arguments
    if (!reader.skip()) return std::nullopt;
  }
  if (!message || reader.at_end()) return message;
  problem.text = "something follows the message";
  return std::nullopt;
}

}  // namespace

std::optional<Message> decode(std::string_view frame) {
  Problem problem;
  return decode(frame, problem);
}

std::string why_malformed(std::string_view frame) {
  Problem problem;
  return decode(frame, problem) ? "it is not expected here" : problem.str();
}

}  // namespace galena::core
