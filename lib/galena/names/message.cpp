// SPDX-License-Identifier: Apache-2.0
#include "galena/names/message.hpp"

#include <algorithm>
#include <array>

#include "galena/base/assert.hpp"
#include "galena/base/pack.hpp"
#include "galena/names/entry_pack.hpp"

namespace galena::names {
namespace {

constexpr std::array<std::string_view, 24> words = {
    "hello",   "welcome", "redirect",   "register",     "registered", "taken",    "refused", "renew",
    "renewed", "again",   "unregister", "unregistered", "lookup",     "found",    "list",    "listing",
    "watch",   "unwatch", "changed",    "challenge",    "alive",      "released", "lost",    "announce"};
static_assert(words.size() == static_cast<std::size_t>(Verb::unknown));

Verb to_verb(std::string_view word) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == word) return static_cast<Verb>(i);
  }
  return Verb::unknown;
}

/// Writes the fields that are not empty and counts them.
class Fields {
 public:
  void uint(std::string_view key, std::uint64_t value) {
    if (value != 0) at(key).uint(value);
  }
  void id(std::string_view key, const Id& value) {
    if (value) at(key).id(value);
  }
  void str(std::string_view key, std::string_view value) {
    if (!value.empty()) at(key).str(value);
  }
  void flag(std::string_view key, bool value) {
    if (value) at(key).boolean(true);
  }
  PackWriter& at(std::string_view key) {
    ++count_;
    return out_.str(key);
  }
  std::uint32_t count() const { return count_; }
  const std::string& bytes() const { return out_.bytes(); }

 private:
  PackWriter out_;
  std::uint32_t count_ = 0;
};

bool read_entries(PackReader& in, std::vector<Entry>& out) {
  const auto count = in.array();
  for (std::uint32_t i = 0; count && i < *count; ++i) {
    auto entry = read_entry(in);
    if (!entry) return false;
    out.push_back(std::move(*entry));
  }
  return count.has_value();
}

bool read_counts(PackReader& in, std::vector<SubscriberCount>& out) {
  const auto count = in.array();
  for (std::uint32_t i = 0; count && i < *count; ++i) {
    SubscriberCount item;
    if (in.array() != 3u || !read(in, item.name) || !read(in, item.stage) || !read(in, item.count)) return false;
    out.push_back(std::move(item));
  }
  return count.has_value();
}

bool read_field(std::string_view key, PackReader& in, Message& message) {
  if (key == "id") return read(in, message.request);
  if (key == "v") return read(in, message.version);
  if (key == "newest") return read(in, message.newest);
  if (key == "domain") return read(in, message.domain);
  if (key == "service") return read(in, message.service);
  if (key == "term") return read(in, message.term);
  if (key == "dedicated") return read(in, message.dedicated);
  if (key == "node") return read(in, message.node);
  if (key == "lease") return read(in, message.lease);
  if (key == "name") return read(in, message.name);
  if (key == "stage") return read(in, message.stage);
  if (key == "entries") return read_entries(in, message.entries);
  if (key == "more") return read(in, message.more);
  if (key == "after") return read(in, message.after);
  if (key == "endpoints") return read(in, message.endpoints);
  if (key == "held") return read(in, message.registered);
  if (key == "watching") return read(in, message.watching);
  if (key == "waiting") return read(in, message.waiting);
  if (key == "watchers") return read(in, message.watchers);
  if (key == "challenge") return read(in, message.challenge);
  if (key == "subscribers") return read_counts(in, message.subscribers);
  if (key == "reason") return read(in, message.reason);
  if (key == "entry") {
    if (in.nil()) return true;
    message.entry = read_entry(in);
    return message.entry.has_value();
  }
  return in.skip();
}

}  // namespace

std::string_view to_string(Verb verb) {
  return verb == Verb::unknown ? std::string_view("unknown") : words[static_cast<std::size_t>(verb)];
}

std::string encode(const Message& message) {
  GALENA_ASSERT(message.verb != Verb::unknown, "a message without a verb");
  Fields fields;
  fields.uint("id", message.request);
  fields.uint("v", message.version);
  if (message.newest > message.version) fields.uint("newest", message.newest);
  fields.str("domain", message.domain);
  fields.id("service", message.service);
  fields.uint("term", message.term);
  fields.flag("dedicated", message.dedicated);
  fields.id("node", message.node);
  fields.uint("lease", to_wire(message.lease));
  fields.str("name", message.name);
  fields.id("stage", message.stage);
  if (message.entry) {
    write(fields.at("entry"), *message.entry);
  } else if (message.verb == Verb::found || message.verb == Verb::changed) {
    fields.at("entry").nil();
  }
  if (message.verb == Verb::listing) {
    PackWriter& out = fields.at("entries").array(static_cast<std::uint32_t>(message.entries.size()));
    for (const Entry& entry : message.entries) write(out, entry);
    fields.at("more").boolean(message.more);
  }
  fields.str("after", message.after);
  if (!message.endpoints.empty()) write(fields.at("endpoints"), message.endpoints);
  fields.uint("held", message.registered);
  fields.uint("watching", message.watching);
  fields.uint("waiting", message.waiting);
  fields.uint("watchers", message.watchers);
  fields.uint("challenge", message.challenge);
  if (!message.subscribers.empty()) {
    PackWriter& out = fields.at("subscribers").array(static_cast<std::uint32_t>(message.subscribers.size()));
    for (const auto& item : message.subscribers) out.array(3).str(item.name).id(item.stage).uint(item.count);
  }
  fields.str("reason", message.reason);
  return PackWriter().array(2).str(to_string(message.verb)).map(fields.count()).take() + fields.bytes();
}

std::optional<Message> decode(std::string_view bytes) {
  PackReader in(bytes);
  const auto size = in.array();
  if (!size || *size < 1) return std::nullopt;
  const auto word = in.text();
  if (!word) return std::nullopt;
  Message message;
  message.verb = to_verb(*word);
  const auto fields = *size > 1 ? in.map() : 0;
  if (!fields) return std::nullopt;
  for (std::uint32_t i = 0; i < *fields; ++i) {
    const auto key = in.text();
    if (!key || !read_field(*key, in, message)) return std::nullopt;
  }
  for (std::uint32_t i = 2; i < *size; ++i) {
    if (!in.skip()) return std::nullopt;
  }
  if (!in.at_end()) return std::nullopt;
  return message;
}

std::optional<Versions> decode_versions(std::string_view bytes) {
  PackReader in(bytes);
  const auto size = in.array();
  if (!size || *size < 2 || in.text() != to_string(Verb::hello)) return std::nullopt;
  const auto fields = in.map();
  Versions versions;
  for (std::uint32_t i = 0; fields && i < *fields; ++i) {
    const auto key = in.text();
    if (!key) return std::nullopt;
    const bool readable = key == "v"        ? read(in, versions.oldest)
                          : key == "newest" ? read(in, versions.newest)
                                            : in.skip();
    if (!readable) return std::nullopt;
  }
  if (versions.oldest == 0) return std::nullopt;
  versions.newest = std::max(versions.newest, versions.oldest);
  return versions;
}

}  // namespace galena::names
