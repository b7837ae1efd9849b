// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace galena::sim {

/// What an event of the simulation is, whoever made it again: the event of a producer that it goes back to, and which
/// part of what relays made of that.
struct Content {
  std::uint64_t root = 0;  ///< the producer's stream, by the books' number, and the position in it
  std::uint64_t part = 0;

  static Content of(std::size_t stream, std::uint64_t position) { return {(stream << 32) | position, 0}; }
  std::size_t root_stream() const { return static_cast<std::size_t>(root >> 32); }
  friend auto operator<=>(const Content&, const Content&) = default;
};

struct ContentHash {
  std::size_t operator()(const Content& content) const {
    return static_cast<std::size_t>((content.root * 0x9e3779b97f4a7c15U) ^ (content.part * 0xbf58476d1ce4e5b9U));
  }
};

/// What a payload says: its place in the stream it was appended to, and what it is.
struct Payload {
  std::uint64_t stream = 0;
  std::uint64_t position = 0;
  Content content = {};

  std::string text(std::size_t padding) const {
    std::string bytes(sizeof *this + padding, '.');
    std::memcpy(bytes.data(), this, sizeof *this);
    return bytes;
  }
  static std::optional<Payload> read(std::string_view bytes) {
    Payload payload;
    if (bytes.size() < sizeof payload) return std::nullopt;
    std::memcpy(&payload, bytes.data(), sizeof payload);
    return payload;
  }
};

}  // namespace galena::sim
