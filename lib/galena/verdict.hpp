// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "galena/export.hpp"

namespace galena {

/// What became of an event that was handed to a RemoteProducer.
enum class Verdict : std::uint8_t {
  pending,    ///< nobody knows yet
  accepted,   ///< the producer has it
  refused,    ///< the producer does not take it, and said why
  withdrawn,  ///< it never left: withdraw() was called in time, or this object ended first
  unknown,    ///< it was sent, and the connection broke before the answer: the producer may have it or not
};
GALENA_API std::string_view to_string(Verdict verdict);

/// What a RemoteProducer knows of one event.
struct RemoteAnswer {
  Verdict verdict = Verdict::pending;
  std::string reason = {};  ///< of a refusal, and of what is not known
};

/// So many events were handed to a RemoteProducer, by what became of them. They add up to `taken`.
struct RemoteCounts {
  std::uint64_t taken = 0;
  std::uint64_t pending = 0;
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;
  std::uint64_t withdrawn = 0;
  std::uint64_t unknown = 0;
  std::string last_refusal = {};
};

}  // namespace galena
