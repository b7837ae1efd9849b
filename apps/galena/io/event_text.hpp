// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <galena/galena.hpp>

/// How `sub` prints an event.
namespace galena::cli {

/// Appends `topic<TAB>message`, both escaped. A message that is a MessagePack value is written as JSON.
void append_text_line(std::string& out, const EventView& event);
/// Appends an object with topic, message and encoding (see docs/cli.md).
void append_json_line(std::string& out, const EventView& event);

}  // namespace galena::cli
