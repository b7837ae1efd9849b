// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

/// JSON as the commands print it: members stand in the order in which they were added.
namespace galena::cli {

using Json = nlohmann::ordered_json;

bool is_utf8(std::string_view bytes);
std::string base64(std::string_view bytes);

/// Adds `"key":"text"`, or `"key_base64":"..."` if the bytes are not UTF-8.
void add_bytes(Json& object, const std::string& key, std::string_view bytes);

/// One MessagePack value. What JSON does not have: binary and ill-formed text become {"base64": "..."}, an extension
/// {"ext": type, "base64": "..."}, a key that is not text its JSON as text, a number that is none null. Empty if the
/// payload is not exactly one value within the library's limits.
std::optional<Json> json_of_msgpack(std::string_view payload);

}  // namespace galena::cli
