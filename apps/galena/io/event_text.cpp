// SPDX-License-Identifier: Apache-2.0
#include "io/event_text.hpp"

#include <algorithm>

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

}  // namespace

void append_text_line(std::string& out, const EventView& event) {
  append_escaped(out, event.topic);
  out.push_back('\t');
  const auto value = event.encoding == Encoding::msgpack ? json_of_msgpack(event.payload) : std::nullopt;
  append_escaped(out, value ? value->dump() : std::string(event.payload));
  out.push_back('\n');
}

void append_json_line(std::string& out, const EventView& event) {
  out.push_back('{');
  append_member(out, "topic", event.topic);
  out.push_back(',');
  if (event.encoding == Encoding::raw) {
    append_member(out, "message", event.payload);
  } else if (const auto value = json_of_msgpack(event.payload)) {
    out.append("\"message\":").append(value->dump());
  } else {
    out.append("\"message_base64\":\"").append(base64(event.payload)).append("\"");
  }
  out.append(event.encoding == Encoding::raw ? ",\"encoding\":\"raw\"" : ",\"encoding\":\"msgpack\"");
  out.append(event.repeated ? ",\"repeated\":true}\n" : "}\n");
}

}  // namespace galena::cli
