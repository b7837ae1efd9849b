// SPDX-License-Identifier: Apache-2.0
// Control messages between stages: what is decoded and encoded again decodes as the same, and keeps the limits.
#include "galena/core/message.hpp"

#include <utility>

#include "claim.hpp"
#include "galena/core/batch.hpp"
#include "script.hpp"
#include "target.hpp"

namespace galena::fuzz {
namespace {

void check_limits(const core::Message& message) {
  if (const auto* gap = std::get_if<Gap>(&message)) {
    claim(gap->from <= gap->upto, "a gap ends behind its begin");
    claim(!gap->count || *gap->count <= gap->upto - gap->from, "a gap has no more events than positions");
  } else if (const auto* wish = std::get_if<core::Subscribe>(&message)) {
    claim(wish->identity.size() <= core::max_name_bytes, "an identity is not too long");
    claim(wish->consumer.size() <= core::max_name_bytes, "a consumer's name is not too long");
    claim(wish->silence <= std::chrono::hours(24), "a silence is not too long");
    for (const Topic& topic : wish->selection.patterns()) {
      claim(topic.text.size() <= core::max_topic_bytes, "a topic is not too long");
    }
  }
}

}  // namespace

void run(std::string_view bytes) {
  const auto message = core::decode(bytes);
  if (!message) return;
  claim(!core::starts_with_batch(bytes), "a control message does not look like a batch");
  check_limits(*message);
  const auto check = [&](const auto& read) {
    using Kind = std::decay_t<decltype(read)>;
    if constexpr (!std::is_same_v<Kind, core::OtherVersion>) {
      const std::string written = core::encode(read);
      const auto again = core::decode(written);
      claim(again && std::holds_alternative<Kind>(*again), "what was decoded is decoded again as its kind");
      claim(core::encode(std::get<Kind>(*again)) == written, "what was decoded is decoded again as the same");
    } else {
      claim(!core::spoken_versions.common(read.versions), "a version that both sides speak is not another one");
    }
  };
  std::visit(check, *message);
}

}  // namespace galena::fuzz
