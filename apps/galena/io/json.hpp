// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "io/utf8.hpp"

/// JSON as the commands print it: members stand in the order in which they were added.
namespace galena::cli {

using Json = nlohmann::ordered_json;

std::string base64(std::string_view bytes);
/// Empty if the text is not what base64() makes.
std::optional<std::string> from_base64(std::string_view text);

/// Adds `"key":"text"`, or `"key_base64":"..."` if the bytes are not UTF-8.
void add_bytes(Json& object, const std::string& key, std::string_view bytes);

/// One MessagePack value. What JSON does not have: binary and ill-formed text become {"base64": "..."}, an extension
/// {"ext": type, "base64": "..."}, a number that is none null. A key that is not text becomes its JSON as text; one
/// that is an array or a map {"base64": "..."} of its bytes, so that the text stays linear in the payload. Empty if the
/// payload is not exactly one value within the library's limits.
std::optional<Json> json_of_msgpack(std::string_view payload);

/// A value of JSON. Keys that an object has twice stay there twice. Empty if the text is no JSON, or more than
/// max_json_depth arrays and objects lie within each other.
std::optional<Json> parse_json(std::string_view text);
inline constexpr std::size_t max_json_depth = 512;

/// Appends the value as MessagePack. For most payloads that is the inverse of json_of_msgpack(), not for those that
/// have something that JSON does not have, or that were not packed as short as possible.
void append_msgpack(std::string& out, const Json& value);

}  // namespace galena::cli
