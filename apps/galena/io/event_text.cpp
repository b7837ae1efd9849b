// SPDX-License-Identifier: Apache-2.0
#include "io/event_text.hpp"

#include <algorithm>
#include <chrono>
#include <ctime>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/escape.hpp"
#include "io/json.hpp"

namespace galena::cli {

namespace {

/// True if nothing in the text is written differently in JSON.
bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < '\x7f' && c != '"' && c != '\\'; });
}

/// Most text is plain. An object for each event would cost four times as much as its line does.
void append_member(std::string& out, std::string_view key, std::string_view bytes) {
  if (is_plain(bytes)) {
    out.append("\"").append(key).append("\":\"").append(bytes).append("\"");
  } else {
    Json object;
    add_bytes(object, std::string(key), bytes);
    const std::string text = object.dump();
    out.append(text, 1, text.size() - 2);  // without the braces
  }
}

/// UTC, as RFC 3339 writes it, to the microsecond.
std::string timestamp() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now);
  const std::time_t time = seconds.count();
  std::tm parts{};
  gmtime_r(&time, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                     std::chrono::duration_cast<std::chrono::microseconds>(now - seconds).count());
}

void append_text(std::string& out, const EventView& event, const EventStyle& style) {
  const Escapes escapes{style.delimiter.back(), style.terminal};
  if (style.timestamps) out.append(timestamp()).push_back('\t');
  append_escaped(out, event.topic, escapes);
  if (style.topics_only) return;
  out.push_back('\t');
  const auto value = event.encoding == Encoding::msgpack ? json_of_msgpack(event.payload) : std::nullopt;
  append_escaped(out, value ? value->dump() : event.payload, escapes);
}

void append_message(std::string& out, const EventView& event) {
  if (event.encoding == Encoding::raw) {
    out.push_back(',');
    append_member(out, "message", event.payload);
    out.append(",\"encoding\":\"raw\"");
    return;
  }
  bool is_exact = false;
  if (const auto value = json_of_msgpack(event.payload)) {
    out.append(",\"message\":").append(value->dump());
    std::string packed;
    append_msgpack(packed, *value);
    is_exact = packed == event.payload;
  }
  if (!is_exact) out.append(",\"message_base64\":\"").append(base64(event.payload)).append("\"");
  out.append(",\"encoding\":\"msgpack\"");
}

/// What JSON lets stand as it is and a terminal obeys: DEL, and the second set of control characters.
void show_controls(std::string& out, std::size_t from) {
  std::string text;
  for (std::size_t at = from; at < out.size(); ++at) {
    const auto byte = static_cast<unsigned char>(out[at]);
    const auto next = at + 1 < out.size() ? static_cast<unsigned char>(out[at + 1]) : 0U;
    if (byte == 0x7f) {
      text.append("\\u007f");
    } else if (byte == 0xc2 && next >= 0x80 && next < 0xa0) {
      text.append(fmt::format("\\u{:04x}", next));
      ++at;
    } else {
      text.push_back(out[at]);
    }
  }
  out.replace(from, std::string::npos, text);
}

void append_json(std::string& out, const EventView& event, const EventStyle& style) {
  const std::size_t start = out.size();
  out.push_back('{');
  if (style.timestamps) out.append("\"time\":\"").append(timestamp()).append("\",");
  append_member(out, "topic", event.topic);
  if (!style.topics_only) append_message(out, event);
  if (event.origin != nullptr) {
    out.push_back(',');
    append_member(out, "producer", event.producer());
    out.append(",\"stream\":\"").append(event.stream().hex()).append("\"");
    if (const auto position = event.position()) out.append(fmt::format(",\"position\":{}", *position));
  }
  out.append(event.repeated ? ",\"repeated\":true}" : "}");
  if (style.terminal) show_controls(out, start);
}

}  // namespace

void append_event(std::string& out, const EventView& event, const EventStyle& style) {
  switch (style.format) {
    case EventFormat::text:
      append_text(out, event, style);
      break;
    case EventFormat::raw:
      out.append(event.payload);
      break;
    case EventFormat::json:
      append_json(out, event, style);
      break;
  }
  out.append(style.delimiter);
}

EventView EventReader::read(std::string_view line) & {
  if (format_ == EventFormat::json) return read_json(line);
  std::string_view topic;
  if (topic_) {
    topic = *topic_;
  } else {
    const std::size_t tab = line.find('\t');
    if (tab == std::string_view::npos) {
      throw Error(ErrorCode::invalid, "has no tab, so it has no topic: give one for all lines with --topic");
    }
    topic = line.substr(0, tab);
    line.remove_prefix(tab + 1);
  }
  if (format_ == EventFormat::raw) return {topic, line};
  message_bytes_.clear();
  append_unescaped(message_bytes_, line);
  if (topic_) return {topic, message_bytes_};
  topic_bytes_.clear();
  append_unescaped(topic_bytes_, topic);
  return {topic_bytes_, message_bytes_};
}

namespace {

/// The bytes that add_bytes() wrote. False if there are none of that name.
bool read_bytes(const Json& object, const std::string& key, std::string& bytes) {
  if (const auto at = object.find(key); at != object.end() && at->is_string()) {
    bytes = at->get_ref<const std::string&>();
    return true;
  }
  const auto at = object.find(key + "_base64");
  auto decoded = at != object.end() && at->is_string() ? from_base64(at->get_ref<const std::string&>()) : std::nullopt;
  if (decoded) bytes = std::move(*decoded);
  return decoded.has_value();
}

}  // namespace

EventView EventReader::read_json(std::string_view line) {
  const auto object = parse_json(line);
  if (!object || !object->is_object()) throw Error(ErrorCode::invalid, "is no JSON object");
  if (topic_) {
    topic_bytes_ = *topic_;
  } else if (!read_bytes(*object, "topic", topic_bytes_)) {
    throw Error(ErrorCode::invalid, "has no topic: give one for all lines with --topic");
  }
  const auto message = object->find("message");
  const auto encoding = object->find("encoding");
  const bool is_text = message == object->end() || message->is_string();
  const bool is_packed = encoding == object->end() ? !is_text : *encoding == "msgpack";
  if (!is_packed && encoding != object->end() && *encoding != "raw") {
    throw Error(ErrorCode::invalid, "has an encoding that is neither raw nor msgpack");
  }
  message_bytes_.clear();
  if (is_packed) {
    // What the value alone does not tell stands beside it.
    if (object->contains("message_base64") &&
        read_bytes({{"packed_base64", (*object)["message_base64"]}}, "packed", message_bytes_)) {
      return {topic_bytes_, message_bytes_, Encoding::msgpack};
    }
    if (message == object->end()) throw Error(ErrorCode::invalid, "has no message");
    append_msgpack(message_bytes_, *message);
    return {topic_bytes_, message_bytes_, Encoding::msgpack};
  }
  if (!read_bytes(*object, "message", message_bytes_)) {
    throw Error(ErrorCode::invalid, "has no message that is text (of the encoding raw)");
  }
  return {topic_bytes_, message_bytes_};
}

}  // namespace galena::cli
