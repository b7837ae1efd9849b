// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "galena/core/batch.hpp"

namespace galena::core {

/// Where an event comes from, as far as its readers should know. Unlike events do not share a batch.
struct Provenance {
  bool repeated = false;  ///< it may have been published before
  Origin origin = {};

  /// It says nothing: an event that is published for the first time.
  bool plain() const { return !repeated && !origin; }
};

/// The provenances of the events of one batch. The batch's header has the first one, and each event says the step from
/// the one before: "the next part of the same event", or "the first part of a later event". Nothing else can be said,
/// so anything else begins another batch.
class ProvenanceRun {
 public:
  ProvenanceRun() = default;
  explicit ProvenanceRun(const Provenance& first) : first_(first), last_(first.origin) {}

  const Provenance& first() const { return first_; }
  /// An event of this provenance can follow in the batch.
  bool admits(const Provenance& next) const {
    const Place& last = last_.place;
    const Place& place = next.origin.place;
    if (next.repeated != first_.repeated || place.stream != last.stream || place.from != last.from) return false;
    if (!next.origin) return true;
    if (place.events < last.events) return false;
    Origin follows = last_;
    follows.advance(place.events - last.events);
    return follows == next.origin;
  }
  /// Writes the step of the next event (of the first one: 0), if the batch has origins. Returns the end.
  /// Requires: admits() it; max_step_bytes of room.
  char* write_step_to(char* to, const Origin& next) {
    if (!next) return to;
    to = write_step(to, static_cast<std::uint32_t>(next.place.events - last_.place.events));
    last_ = next;
    return to;
  }

 private:
  Provenance first_;
  Origin last_;
};

}  // namespace galena::core
