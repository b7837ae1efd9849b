// SPDX-License-Identifier: Apache-2.0
// Messages between nodes and name services: what is decoded and encoded again decodes as the same.
#include "galena/names/message.hpp"

#include "claim.hpp"
#include "target.hpp"

namespace galena::fuzz {
namespace {

using names::Message;
using names::Verb;

}  // namespace

void run(std::string_view bytes) {
  if (const auto versions = names::decode_versions(bytes)) {
    claim(versions->oldest > 0 && versions->oldest <= versions->newest, "a hello tells a range of versions");
  }
  const auto message = names::decode(bytes);
  if (!message || message->verb == Verb::unknown) return;
  const std::string written = names::encode(*message);
  const auto again = names::decode(written);
  claim(again.has_value(), "what was decoded is decoded again");
  claim(names::encode(*again) == written, "what was decoded is decoded again as the same");
  claim(again->verb == message->verb && again->request == message->request, "it has the same verb and number");
  claim(again->name == message->name && again->stage == message->stage, "it is about the same name and stage");
  claim(again->entry.has_value() == message->entry.has_value(), "it has an entry if it had one");
  if (message->verb == Verb::hello && message->version > 0) {
    claim(names::decode_versions(written).has_value(), "a hello that tells a version tells it again");
  }
}

}  // namespace galena::fuzz
