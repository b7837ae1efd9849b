// SPDX-License-Identifier: Apache-2.0
#include "galena/stage/hints.hpp"

#include <fmt/format.h>

namespace galena::detail {

void give_hints(const Receiver& receiver, const std::string& stage, const Logger& logger) {
  if (receiver.received() > 0) return;
  const Source& source = receiver.source();
  if (receiver.state() == State::searching && !source.stage && !source.name.is_global) {
    logger.warning(fmt::format(
        "{0}: still searches for '{1}' among the stages of its own Node, and there is none of that name; for a stage "
        "that has it as its global name write galena::global(\"{1}\")",
        stage, source.name.text));
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
