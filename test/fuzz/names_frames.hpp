// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "galena/names/message.hpp"
#include "script.hpp"

/// What nodes and name services send each other, made as a script says.
namespace galena::fuzz {

inline std::string any_name(Script& script) {
  const std::size_t which = script.below(5);
  return which < 4 ? std::string(1, static_cast<char>('m' + which)) : std::string(script.text());
}

inline names::Registration any_registration(Script& script) {
  names::Registration registration;
  registration.name = any_name(script);
  registration.stage = script.id();
  registration.node = script.id();
  registration.kind = static_cast<names::Kind>(script.below(3));
  for (std::size_t count = script.below(3); count > 0; --count) registration.endpoints.emplace_back(script.text());
  if (script.flag()) registration.host_id = script.text();
  if (script.flag()) registration.subscribers = script.number32();
  return registration;
}

inline names::Entry any_entry(Script& script) {
  names::Entry entry;
  entry.registration = any_registration(script);
  if (script.flag()) {
    entry.token.term = script.number();
    entry.token.service = script.id();
    entry.token.sequence = script.number();
  }
  if (script.flag()) entry.age = script.duration();
  return entry;
}

/// A message of this kind, with any of the fields that it has somewhere.
inline names::Message any_message(names::Verb verb, Script& script) {
  names::Message message;
  message.verb = verb;
  message.request = script.number();
  const std::uint8_t parts = script.byte();
  if ((parts & 1U) != 0) message.entry = any_entry(script);
  if ((parts & 2U) != 0) message.name = any_name(script);
  if ((parts & 4U) != 0) message.stage = script.id();
  if ((parts & 8U) != 0) {
    message.service = script.id();
    message.term = script.number();
    message.dedicated = script.flag();
    message.endpoints.emplace_back(script.text());
  }
  if ((parts & 16U) != 0) {
    message.version = script.byte() % 4U;
    message.newest = script.byte() % 4U;
    message.domain = script.flag() ? "d" : "";
    message.lease = script.duration();
  }
  if ((parts & 32U) != 0) {
    message.registered = script.number();
    message.watching = script.number();
    message.watchers = script.number();
    message.waiting = script.number();
    message.challenge = script.number();
  }
  if ((parts & 64U) != 0) {
    message.subscribers.push_back({any_name(script), script.id(), script.number32()});
    message.reason = script.text();
  }
  if ((parts & 128U) != 0) {
    for (std::size_t count = script.below(3); count > 0; --count) message.entries.push_back(any_entry(script));
    message.more = script.flag();
    message.after = any_name(script);
  }
  return message;
}

}  // namespace galena::fuzz
