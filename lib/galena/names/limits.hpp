// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "galena/names/entry.hpp"

namespace galena::names {

/// What a name service takes from any node. A node that asks for more is refused and told which limit it met.
struct Limits {
  std::size_t message_bytes = 1 << 20;
  std::size_t name_bytes = 255;
  std::size_t text_bytes = 255;  ///< an endpoint, a host's name or id
  std::size_t endpoints = 64;
  std::size_t sessions = 16'384;             ///< nodes at a time
  std::size_t sessions_per_address = 4'096;  ///< of these, from one other host
  std::size_t entries = 131'072;             ///< names altogether
  std::size_t names_per_session = 16'384;    ///< of one node
  std::size_t watches_per_session = 16'384;
  std::size_t requests_per_name = 64;   ///< waiting while its owner is challenged
  std::size_t deferred = 16'384;        ///< questions deferred while nodes move here from another service
  std::size_t page_bytes = 256 << 10;   ///< of a listing; the next one is asked for
  std::size_t unread_bytes = 64 << 10;  ///< of earlier answers: whoever has not taken these gets no listing

  /// Why this registration is refused; empty if it is not.
  std::string problem(const Registration& registration) const;
};

}  // namespace galena::names
