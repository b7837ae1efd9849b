// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "galena/id.hpp"
#include "galena/time.hpp"

namespace galena::names {

enum class Kind : std::uint8_t { producer, producer_consumer, consumer };

/// Identifies one grant of a name: (term, service, sequence). Tokens are compared for equality only, never ordered.
struct Token {
  std::uint64_t term = 0;
  Id service;
  std::uint64_t sequence = 0;
  friend bool operator==(const Token&, const Token&) = default;
};

/// What a stage says about itself when it registers.
struct Registration {
  std::string name;
  Kind kind = Kind::producer;
  Id stage;
  Id node;
  std::string
      host_id;  ///< boot id + network namespace: processes with the same one reach each other by ipc and loopback
  std::string host_name;  ///< to be shown to people
  std::uint64_t pid = 0;
  /// In order of preference: inproc (same node only), ipc (same host only), tcp per interface.
  std::vector<std::string> endpoints;
  std::uint32_t subscribers = 0;  ///< as of the last renewal
};

/// What a name service answers about a name.
struct Entry {
  Registration registration;
  Token token;
  Duration age{};  ///< how long the owner has had the name, by its own clock
};

}  // namespace galena::names
