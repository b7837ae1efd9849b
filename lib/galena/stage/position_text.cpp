// SPDX-License-Identifier: Apache-2.0
#include "galena/stage/position_text.hpp"

#include <sstream>

#include <fmt/format.h>

namespace galena::detail {

std::uint64_t fingerprint(const Selection& selection) {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  const auto add = [&hash](std::string_view bytes) {
    for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  };
  for (const Topic& pattern : selection.patterns()) {
    add(fmt::format("{}{}:", pattern.is_prefix ? '*' : '=', pattern.text.size()));
    add(pattern.text);
  }
  return hash;
}

std::string to_text(const SavedPosition& position) {
  const core::Standing& standing = position.standing;
  const core::Place& place = standing.place;
  return fmt::format("{} {} {} {} {} {:016x} {}", place.stream.hex(), place.from, place.events, standing.told.upto,
                     standing.ended ? 1 : 0, position.selection, position.epoch);
}

std::optional<SavedPosition> parse_position(const std::string& text) {
  std::istringstream words(text);
  SavedPosition position;
  std::string stream;
  int ended = 0;
  core::Standing& standing = position.standing;
  words >> stream >> standing.place.from >> standing.place.events >> standing.told.upto >> ended >> std::hex >>
      position.selection >> std::dec >> position.epoch;
  const auto id = Id::from_hex(stream);
  if (!words || !id || !*id) return std::nullopt;
  standing.place.stream = *id;
  standing.ended = ended != 0;
  if (to_text(position) != text) return std::nullopt;  // a sign, another base, or more words
  return position;
}

}  // namespace galena::detail
