// SPDX-License-Identifier: Apache-2.0
#include "galena/core/report.hpp"

#include <algorithm>

#include "galena/base/pack.hpp"
#include "galena/core/message.hpp"

namespace galena::core {
namespace {

/// The numbers of a subscription, by the names under which they travel.
constexpr struct Count {
  std::string_view name;
  std::uint64_t LinkInfo::*field;
} counts[] = {
    {"selected", &LinkInfo::selected}, {"sent", &LinkInfo::sent}, {"acknowledged", &LinkInfo::acknowledged},
    {"dropped", &LinkInfo::dropped},   {"lost", &LinkInfo::lost}, {"held_bytes", &LinkInfo::held_bytes},
};

constexpr struct Total {
  std::string_view name;
  std::uint64_t Report::*field;
} totals[] = {
    {"ingested", &Report::ingested},
    {"outstanding", &Report::outstanding},
    {"oldest_ms", &Report::oldest_ms},
    {"refused", &Report::refused},
    {"malformed", &Report::malformed},
    {"wrong_version", &Report::wrong_version},
    {"buffered_bytes", &Report::buffered_bytes},
};

template <class Names, class Object>
bool read_count(PackReader& reader, std::string_view key, const Names& names, Object& object) {
  for (const auto& each : names) {
    if (each.name != key) continue;
    const auto value = reader.uint();
    if (value) object.*each.field = *value;
    return value.has_value();
  }
  return reader.skip();
}

bool read_text(PackReader& reader, std::string& text) {
  const auto bytes = reader.text();
  if (bytes) text = *bytes;
  return bytes.has_value();
}

bool read_subscriber(PackReader& reader, LinkInfo& link) {
  const auto size = reader.map();
  if (!size) return false;
  for (std::uint32_t i = 0; i < *size; ++i) {
    const auto key = reader.str();
    if (!key) return false;
    bool good = true;
    if (*key == "consumer") {
      good = read_text(reader, link.consumer);
    } else if (*key == "stage") {
      const auto stage = reader.id();
      link.consumer_stage = stage.value_or(Id{});
      good = stage.has_value();
    } else if (*key == "address") {
      good = read_text(reader, link.address);
    } else if (*key == "identity") {
      good = read_text(reader, link.identity);
    } else if (*key == "away") {
      const auto away = reader.boolean();
      link.away = away.value_or(false);
      good = away.has_value();
    } else {
      good = read_count(reader, *key, counts, link);
    }
    if (!good) return false;
  }
  // What does not add up would be shown as nonsense.
  return link.acknowledged <= link.sent && link.sent <= link.selected && link.dropped <= link.selected - link.sent;
}

bool read_subscribers(PackReader& reader, std::vector<LinkInfo>& links) {
  const auto size = reader.array();
  if (!size || *size > max_reported) return false;
  for (std::uint32_t i = 0; i < *size; ++i) {
    if (!read_subscriber(reader, links.emplace_back())) return false;
  }
  return true;
}

bool read_drops(PackReader& reader, DropCounts& drops) {
  const auto size = reader.array();
  if (!size || *size > max_reported) return false;
  for (std::uint32_t i = 0; i < *size; ++i) {
    std::pair<std::string, std::string> what;
    if (reader.array() != 3U || !read_text(reader, what.first) || !read_text(reader, what.second)) return false;
    const auto count = reader.uint();
    if (!count) return false;
    drops[std::move(what)] = *count;
  }
  return true;
}

}  // namespace

std::string encode(const Report& report) {
  PackWriter writer;
  writer.array(2).str("report").map(static_cast<std::uint32_t>(std::size(totals)) + 2);
  for (const Total& total : totals) writer.str(total.name).uint(report.*total.field);
  writer.str("drops").array(static_cast<std::uint32_t>(std::min(report.drops.size(), max_reported)));
  std::size_t left = max_reported;
  for (auto drop = report.drops.begin(); drop != report.drops.end() && left > 0; ++drop, --left) {
    writer.array(3)
        .bin(std::string_view(drop->first.first).substr(0, max_name_bytes))
        .str(drop->first.second)
        .uint(drop->second);
  }
  const std::size_t subscribers = std::min(report.subscribers.size(), max_reported);
  writer.str("subscribers").array(static_cast<std::uint32_t>(subscribers));
  for (std::size_t i = 0; i < subscribers; ++i) {
    const LinkInfo& link = report.subscribers[i];
    const bool has_address = !link.address.empty();
    writer.map(static_cast<std::uint32_t>(std::size(counts)) + (has_address ? 5 : 4));
    writer.str("consumer")
        .str(link.consumer)
        .str("stage")
        .id(link.consumer_stage)
        .str("identity")
        .str(link.identity)
        .str("away")
        .boolean(link.away);
    if (has_address) writer.str("address").str(link.address);
    for (const Count& count : counts) writer.str(count.name).uint(link.*count.field);
  }
  return writer.take();
}

std::optional<Report> decode_report(std::string_view frame) {
  PackReader reader(frame);
  if (reader.array() != 2U || reader.str() != "report") return std::nullopt;
  const auto size = reader.map();
  if (!size) return std::nullopt;
  Report report;
  for (std::uint32_t i = 0; i < *size; ++i) {
    const auto key = reader.str();
    if (!key) return std::nullopt;
    const bool good = *key == "drops"         ? read_drops(reader, report.drops)
                      : *key == "subscribers" ? read_subscribers(reader, report.subscribers)
                                              : read_count(reader, *key, totals, report);
    if (!good) return std::nullopt;
  }
  return reader.at_end() ? std::optional(std::move(report)) : std::nullopt;
}

}  // namespace galena::core
