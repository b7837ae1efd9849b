// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

/// JSON, written straight into the output: a stream of events leaves no time for a tree of values each.
namespace galena::cli {

bool is_utf8(std::string_view bytes);
std::string base64(std::string_view bytes);

/// In quotes. The text must be UTF-8.
void append_json_string(std::string& out, std::string_view text);
/// `"key":"text"`, or `"key_base64":"..."` if the bytes are not UTF-8.
void append_json_member(std::string& out, std::string_view key, std::string_view bytes);

/// One MessagePack value as JSON. What JSON does not have: binary and ill-formed text become {"base64": "..."}, an
/// extension {"ext": type, "base64": "..."}, a key that is not text its JSON as text, a number that is none null.
/// False, and nothing appended, if it is not exactly one value within the library's limits.
bool append_json_msgpack(std::string& out, std::string_view payload);

}  // namespace galena::cli
