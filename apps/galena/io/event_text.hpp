// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <galena/galena.hpp>

/// How `sub` prints an event.
namespace galena::cli {

/// `topic<TAB>message`, both escaped; a MessagePack message as JSON, or as it is if it is none.
void append_text_line(std::string& out, const EventView& event);
/// One object: topic, message, encoding (see docs/cli.md).
void append_json_line(std::string& out, const EventView& event);

}  // namespace galena::cli
