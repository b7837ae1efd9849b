// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <galena/galena.hpp>

/// How `sub` prints an event, and `pub` reads it.
namespace galena::cli {

enum class EventFormat : std::uint8_t {
  text,  ///< topic, tab and message, escaped
  raw,   ///< bytes as they are
  json,  ///< an object
};

struct EventStyle {
  EventFormat format = EventFormat::text;
  std::string delimiter = "\n";  ///< after each event
  bool topics_only = false;
  bool timestamps = false;  ///< when it was printed
  bool terminal = false;    ///< control characters become visible
};

/// Appends an event, and the delimiter. A message that is a MessagePack value is written as JSON, but not if the format
/// is raw. docs/cli.md describes the fields of the object.
void append_event(std::string& out, const EventView& event, const EventStyle& style);

/// An event that was read; its parts are valid until the next call, and as long as the line.
class EventReader {
 public:
  /// With a topic, the lines hold messages only, but for JSON, where it replaces that of the object.
  EventReader(EventFormat format, std::optional<std::string> topic) : format_(format), topic_(std::move(topic)) {}

  /// A view of the line and of this reader. Throws Error (invalid) that says what the line lacks.
  EventView read(std::string_view line) &;

 private:
  EventView read_json(std::string_view line);

  EventFormat format_;
  std::optional<std::string> topic_;
  std::string topic_bytes_;
  std::string message_bytes_;
};

}  // namespace galena::cli
