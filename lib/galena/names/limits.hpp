// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace galena::names {

/// What a name service takes from anybody. Whoever asks for more is refused and told which of these it met.
struct Limits {
  std::size_t message_bytes = 1 << 20;
  std::size_t name_bytes = 255;
  std::size_t text_bytes = 255;  ///< an endpoint, a host's name or id
  std::size_t endpoints = 64;
  std::size_t sessions = 16'384;           ///< nodes at a time
  std::size_t entries = 131'072;           ///< names altogether
  std::size_t names_per_session = 16'384;  ///< of one node
  std::size_t watches_per_session = 16'384;
  std::size_t claims_per_name = 64;    ///< waiting while its holder is challenged
  std::size_t deferred = 16'384;       ///< questions held back while a new service fills
  std::size_t page_bytes = 256 << 10;  ///< of a listing; the next one is asked for
};

}  // namespace galena::names
