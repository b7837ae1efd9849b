// SPDX-License-Identifier: Apache-2.0
#include "galena/names/entry_pack.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace galena::names {
namespace {

constexpr std::array<std::string_view, 3> kinds = {"producer", "producer_consumer", "consumer"};

/// 34 years: so that no sum of times met here overflows.
constexpr std::uint64_t longest_ms = std::uint64_t{1} << 40;

bool read_kind(PackReader& in, Kind& out) {
  const auto word = in.text();
  for (std::size_t i = 0; word && i < kinds.size(); ++i) {
    if (kinds[i] == *word) {
      out = static_cast<Kind>(i);
      return true;
    }
  }
  return false;
}

bool read_token(PackReader& in, Token& out) {
  return in.array() == 3u && read(in, out.term) && read(in, out.service) && read(in, out.sequence);
}

bool read_field(std::string_view key, PackReader& in, Entry& entry) {
  Registration& registration = entry.registration;
  if (key == "name") return read(in, registration.name);
  if (key == "kind") return read_kind(in, registration.kind);
  if (key == "stage") return read(in, registration.stage);
  if (key == "node") return read(in, registration.node);
  if (key == "host_id") return read(in, registration.host_id);
  if (key == "host") return read(in, registration.host_name);
  if (key == "pid") return read(in, registration.pid);
  if (key == "endpoints") return read(in, registration.endpoints);
  if (key == "subscribers") return read(in, registration.subscribers);
  if (key == "token") return read_token(in, entry.token);
  if (key == "age") return read(in, entry.age);
  return in.skip();
}

}  // namespace

void write(PackWriter& out, const std::vector<std::string>& texts) {
  out.array(static_cast<std::uint32_t>(texts.size()));
  for (const std::string& text : texts) out.str(text);
}

void write(PackWriter& out, const Entry& entry) {
  const Registration& registration = entry.registration;
  const bool granted = entry.token != Token{};
  out.map(granted ? 11 : 10);
  out.str("name").str(registration.name);
  out.str("kind").str(kinds[static_cast<std::size_t>(registration.kind)]);
  out.str("stage").id(registration.stage);
  out.str("node").id(registration.node);
  out.str("host_id").str(registration.host_id);
  out.str("host").str(registration.host_name);
  out.str("pid").uint(registration.pid);
  write(out.str("endpoints"), registration.endpoints);
  out.str("subscribers").uint(registration.subscribers);
  out.str("age").uint(to_wire(entry.age));
  if (granted) out.str("token").array(3).uint(entry.token.term).id(entry.token.service).uint(entry.token.sequence);
}

std::optional<Entry> read_entry(PackReader& in) {
  const auto fields = in.map();
  if (!fields) return std::nullopt;
  Entry entry;
  for (std::uint32_t i = 0; i < *fields; ++i) {
    const auto key = in.text();
    if (!key || !read_field(*key, in, entry)) return std::nullopt;
  }
  return entry;
}

std::uint64_t to_wire(Duration duration) {
  if (duration <= Duration::zero()) return 0;
  return std::min(static_cast<std::uint64_t>(in_milliseconds(duration)), longest_ms);  // no reader takes more
}

bool read(PackReader& in, std::uint64_t& out) {
  const auto value = in.uint();
  if (value) out = *value;
  return value.has_value();
}

bool read(PackReader& in, std::uint32_t& out) {
  const auto value = in.uint();
  if (!value || *value > std::numeric_limits<std::uint32_t>::max()) return false;
  out = static_cast<std::uint32_t>(*value);
  return true;
}

bool read(PackReader& in, std::string& out) {
  const auto value = in.text();
  if (value) out = *value;
  return value.has_value();
}

bool read(PackReader& in, Id& out) {
  const auto value = in.id();
  if (value) out = *value;
  return value.has_value();
}

bool read(PackReader& in, bool& out) {
  const auto value = in.boolean();
  if (value) out = *value;
  return value.has_value();
}

bool read(PackReader& in, Duration& out) {
  const auto value = in.uint();
  if (!value || *value > longest_ms) return false;
  out = std::chrono::milliseconds(*value);
  return true;
}

bool read(PackReader& in, std::vector<std::string>& out) {
  const auto count = in.array();
  for (std::uint32_t i = 0; count && i < *count; ++i) {
    std::string text;
    if (!read(in, text)) return false;
    out.push_back(std::move(text));
  }
  return count.has_value();
}

}  // namespace galena::names
