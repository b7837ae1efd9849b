// SPDX-License-Identifier: Apache-2.0
#include "io/event_text.hpp"

#include "cli/escape.hpp"
#include "io/json.hpp"

namespace galena::cli {

void append_text_line(std::string& out, const EventView& event) {
  append_escaped(out, event.topic);
  out.push_back('\t');
  std::string json;
  const bool value = event.encoding == Encoding::msgpack && append_json_msgpack(json, event.payload);
  append_escaped(out, value ? std::string_view(json) : event.payload);
  out.push_back('\n');
}

void append_json_line(std::string& out, const EventView& event) {
  const bool packed = event.encoding == Encoding::msgpack;
  out.push_back('{');
  append_json_member(out, "topic", event.topic);
  out.push_back(',');
  std::string value;
  if (packed && append_json_msgpack(value, event.payload)) {
    out.append("\"message\":").append(value);
  } else if (packed) {
    out.append("\"message_base64\":\"").append(base64(event.payload)).append("\"");
  } else {
    append_json_member(out, "message", event.payload);
  }
  out.append(packed ? ",\"encoding\":\"msgpack\"" : ",\"encoding\":\"raw\"");
  out.append(event.repeated ? ",\"repeated\":true}\n" : "}\n");
}

}  // namespace galena::cli
