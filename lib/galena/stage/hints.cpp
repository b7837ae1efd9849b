// SPDX-License-Identifier: Apache-2.0
#include "galena/stage/hints.hpp"

#include <fmt/format.h>

namespace galena::detail {

std::string name_hint(NodeCore& node, const Name& name) {
  if (!name.is_global) {
    return fmt::format(
        "no stage of this Node is called '{0}'; for one that has it as its global name write galena::global(\"{0}\")",
        name.text);
  }
  if (!node.has_local_name(name.text)) return {};
  return fmt::format(
      "no stage has the global name '{0}', but a stage of this Node has it as its local name; name that stage "
      "galena::global(\"{0}\"), or look for \"{0}\"",
      name.text);
}

std::string not_found(NodeCore& node, const Name& name) {
  std::string hint = name_hint(node, name);
  if (!hint.empty()) return hint;
  return fmt::format("no stage has the name '{}'; `galena ls` lists the names there are", name.text);
}

void give_hints(NodeCore& node, const Receiver& receiver, const std::string& stage) {
  if (receiver.received() > 0) return;
  const Logger& logger = node.logger();
  const Source& source = receiver.source();
  if (receiver.state() == State::searching && !source.stage) {
    const std::string hint = name_hint(node, source.name);
    if (!hint.empty()) logger.warning(fmt::format("{}: still searches: {}", stage, hint));
  }
  for (const Topic& topic : receiver.topics().patterns()) {
    const std::size_t star = topic.text.find('*');
    if (topic.is_prefix || star == std::string::npos) continue;
    logger.warning(
        fmt::format("{}: has received nothing on the topic '{}' of {}, where '*' is a character like others; for all "
                    "topics that begin so write galena::prefix(\"{}\")",
                    stage, topic.text, source.text(), topic.text.substr(0, star)));
  }
}

}  // namespace galena::detail
