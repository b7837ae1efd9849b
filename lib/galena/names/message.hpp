// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "galena/base/versions.hpp"
#include "galena/names/entry.hpp"

namespace galena::names {

/// The versions of the names protocol that this library speaks. A hello is written in the oldest.
inline constexpr Versions spoken_versions{1, 1};

/// The kinds of messages between nodes and name services; to_string() has the word for each on the wire. Nodes ask,
/// services answer or notify. Only `challenge` is a question of the service.
enum class Verb : std::uint8_t {
  hello,          ///< node: begins; answered by welcome, redirect or refused
  welcome,        ///< service: it is in charge and knows the node now
  redirect,       ///< service: another service is in charge, ask there
  register_name,  ///< node: "register"
  registered,     ///< service: the stage has the name
  taken,          ///< service: the owner of the name answered a challenge
  refused,        ///< service: no; `reason` says why
  renew,          ///< node: is still there; extends the leases of its names
  renewed,        ///< service: has extended them
  again,       ///< service: it knows fewer names or watches than the node said; the node must register and watch again
  unregister,  ///< node
  unregistered,  ///< service
  lookup,        ///< anybody
  found,         ///< service: `entry`, or nil
  list,          ///< anybody
  listing,       ///< service: `entries`, and whether there are more
  watch,         ///< node: wants to hear of changes of `name`
  unwatch,       ///< node
  changed,       ///< service: `entry` of a watched name
  challenge,     ///< service: asks an owner whether it still has `name`
  alive,         ///< node: answers a challenge: it has the name
  released,      ///< node: answers a challenge: it has not
  lost,          ///< service: another owner keeps `name`
  announce,      ///< a name service tells another one where it is
  unknown,       ///< a verb of a later version
};

std::string_view to_string(Verb verb);

/// How many subscribers a stage has, as a renewal says it.
struct SubscriberCount {
  std::string name;
  Id stage;
  std::uint32_t count = 0;
  friend bool operator==(const SubscriberCount&, const SubscriberCount&) = default;
};

/// Any message: `[verb, {field: value}]`. A field has the same meaning and type in all messages that have it. A field
/// that is zero or empty is not written; a field that is not known is skipped.
struct Message {
  Verb verb = Verb::unknown;
  std::uint64_t request = 0;  ///< "id": the answer repeats it
  std::uint64_t version = 0;  ///< "v"; hello: the oldest that the node speaks; welcome: that of the connection
  std::uint64_t newest = 0;   ///< hello: the newest that the node speaks, if it is not the oldest
  std::string domain;         ///< hello: a service of another domain refuses
  Id service;
  std::uint64_t term = 0;
  bool dedicated = false;
  Id node;
  Duration lease{};  ///< in milliseconds
  std::string name;
  Id stage;
  std::optional<Entry> entry;
  std::vector<Entry> entries;
  bool more = false;
  std::string after;  ///< list: only names that sort behind it
  std::vector<std::string> endpoints;
  std::uint64_t watching = 0;    ///< how many names the node believes it watches
  std::uint64_t registered = 0;  ///< how many names the node believes it has
  std::uint64_t waiting = 0;     ///< how many watchers were waiting for the name
  std::uint64_t watchers = 0;    ///< how many the node watches the name for
  std::uint64_t challenge = 0;
  std::vector<SubscriberCount> subscribers;
  std::string reason;
};

std::string encode(const Message& message);
/// Empty if `bytes` are not one message. Allocates at most a small multiple of its size.
std::optional<Message> decode(std::string_view bytes);
/// The versions that a hello says its sender speaks, whatever else is in it. Empty for any other message.
std::optional<Versions> decode_versions(std::string_view bytes);

}  // namespace galena::names
